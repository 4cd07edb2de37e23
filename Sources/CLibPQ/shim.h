// libpq (PostgreSQL License): the client library whose connection rules psql follows.
#include <libpq-fe.h>
