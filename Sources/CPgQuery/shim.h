// libpg_query (BSD-3-Clause): PostgreSQL's own parser, grammar of PostgreSQL 15.
#include <pg_query.h>
