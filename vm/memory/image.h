/* SPDX-License-Identifier: MIT */
/* image.h - flat memory that never changes, which VMs start from. */
#ifndef TORPOR_VM_IMAGE_H
#define TORPOR_VM_IMAGE_H

#include "vm/vm.h"

/* How the file of one that is being made is written (image-window.h). */
typedef struct torpor__image_window torpor__image_window;
/* What it was made of, but for what it holds (sketch.h). */
typedef struct torpor__sketch torpor__sketch;

/* What a page of an image is. */
#define TORPOR__PAGE_USED 1u  /* not all of it is zero */
#define TORPOR__PAGE_OTHER 2u /* it differs from the baseline's */

struct torpor__image {
  const torpor__engine *engine;
  const torpor__image *baseline; /* the engine's; a baseline's is itself */
  uint8_t *bytes;                /* 'size' bytes */
  uint32_t size;                 /* whole pages; all is zero from there on */
  uint32_t mapped_size; /* whole chunks: as far as VMs are mapped onto it */
  uint32_t pages;       /* memory of a VM that starts from it, in wasm pages */
  torpor__os_file file; /* none: VMs cannot be mapped onto it */
  torpor__image_window *window;    /* NULL: it is finished, or has no file */
  torpor__sketch *sketch;          /* NULL: there is none */
  struct torpor__link_list *links; /* extensions of its VMs; NULL: none */
  uint8_t *page_use; /* a byte for each page; NULL: every page counts as both
                           used and other */
  uint32_t stack_size;
  uint32_t host_start, host_end; /* control.host: set by us, never stored */
  _Atomic uint32_t references;
#ifdef TORPOR_TESTING
  _Atomic uint32_t vms; /* of the references, for assertions */
#endif
  _Atomic bool retired;       /* VMs of it are not kept in the pool any more */
  bool is_alone;              /* counts among the files of such images */
  uint32_t end;               /* all is zero from here on */
  uint64_t reserved;          /* bytes of address space at 'bytes' */
  struct torpor__image *next; /* among the baselines */
};

/* The baseline of 'engine', made once and kept. NULL: no memory. */
torpor__image *torpor__image_find(const torpor__engine *engine);

/* Makes an image, of at most 'most' bytes, in steps: it starts as the baseline;
 * its memory is extended to what the VM has; runs are put into it (a
 * torpor__put_fn), and settled before its bytes are looked at or cut; it is cut
 * at the limit of its heap, and finished. For a
 * 'shared' one all pages are compared with the baseline then, so that VMs need
 * not. NULL, false: no memory. */
torpor__image *torpor__image_start(const torpor__engine *engine, uint64_t most);
bool torpor__image_extend(torpor__image *image, uint64_t size);
torpor_status torpor__image_put(void *user, uint32_t start, uint32_t size,
                                const uint8_t *bytes);
bool torpor__image_settle(torpor__image *image);
void torpor__image_cut(torpor__image *image, uint32_t limit);
bool torpor__image_finish(torpor__image *image, bool shared);

/* Gives up one reference; NULL is fine. Baselines are never given up whole. */
void torpor__image_release(torpor__image *image);
/* Adds and gives up the reference of a VM. */
void torpor__image_enter(torpor__image *image);
void torpor__image_leave(torpor__image *image);
/* The image was made for one VM, which has been mapped onto it: its memory is
 * not recycled. Forks of that VM are mapped onto it, too, unless many such
 * images are open, since each has a file. */
void torpor__image_retire(torpor__image *image);

static inline uint8_t torpor__image_page_use(const torpor__image *image,
                                             uint32_t page) {
  if (page >= image->size / TORPOR__PAGE) return 0;
  return image->page_use ? image->page_use[page]
                         : TORPOR__PAGE_USED | TORPOR__PAGE_OTHER;
}

/* A page of zeros, which is what an image is beyond its end. */
extern const uint8_t torpor__zero_page[TORPOR__PAGE];

static inline const uint8_t *torpor__image_page(const torpor__image *image,
                                                uint32_t page) {
  size_t at = (size_t)page * TORPOR__PAGE;
  return at < image->size ? image->bytes + at : torpor__zero_page;
}

#ifdef TORPOR_TESTING
/* Behaves as on a system without files of memory. */
void torpor__image_refuse_files(bool refuse);
/* Gives up the baseline of 'engine', which no VM has, nor the pool. */
void torpor__image_forget(const torpor__engine *engine);
#endif

#endif
