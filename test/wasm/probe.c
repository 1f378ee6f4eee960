/* SPDX-License-Identifier: MIT */
/* probe.c - see probe.h. */
#include "test/wasm/probe.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

uint32_t Z_hostZ_call(struct Z_host_instance_t *host, uint32_t argument) {
  torpor__entry *entry = torpor__host_begin();
  uint32_t result = host->call(host->user, argument);
  torpor__host_end(entry);
  return result;
}

static uint32_t give_back(void *user, uint32_t argument) {
  (void)user;
  return argument;
}

void probe_open(probe *probe) {
  pthread_once(&once, Z_probe_init_module);
  memset(probe, 0, sizeof *probe);
  probe->region = torpor__region_open(4, 64);
  if (probe->region == NULL) abort();
  probe->instance = torpor__region_instance(probe->region);
  probe->memory = torpor__region_memory(probe->region);
  probe->host.call = give_back;
  /* Instantiating writes the data segment, which lies in the first chunk. */
  if (!torpor__region_commit(probe->region, 65528, 65532)) abort();
  Z_probe_instantiate(probe->instance, &probe->host);
}

void probe_close(probe *probe) {
  Z_probe_free(probe->instance);
  torpor__region_close(probe->region);
}

int probe_set_up(void **state) {
  *state = malloc(sizeof(probe));
  if (*state == NULL) abort();
  probe_open(*state);
  return 0;
}

int probe_tear_down(void **state) {
  probe_close(*state);
  free(*state);
  torpor__region_drain();
  return 0;
}

torpor__trap probe_load(probe *probe, uint32_t address, uint32_t *value) {
  torpor__trap trap;
  volatile uint32_t result = 0;
  PROBE_ENTER(probe, trap, result = Z_probeZ_load(probe->instance, address));
  *value = result;
  return trap;
}

torpor__trap probe_store(probe *probe, uint32_t address, uint32_t value) {
  torpor__trap trap;
  PROBE_ENTER(probe, trap, Z_probeZ_store(probe->instance, address, value));
  return trap;
}
