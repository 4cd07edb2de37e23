#ifndef STRATA_CLIBEVENT_SHIM_H
#define STRATA_CLIBEVENT_SHIM_H
/* First, as the other C modules see it: libevent's own headers ask for more of glibc, which then names the fields of
   fd_set differently. */
#include <sys/select.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/util.h>
#endif
