/* SPDX-License-Identifier: MIT */
/* print.c - what the engine needs of printf, and strtod.
 *
 * Messages of errors are made with these. Definitions here take the place of
 * the C library's, which would bring floating point, wide characters and
 * streams along. Known are the flags - 0 +, widths, precisions and lengths, and
 * the conversions d i u x X p c s; the letter of another one is copied. */
#include "dtoa.h"
#include "guest.h"

struct print {
  char *text;
  size_t room;
  size_t size; /* of the whole text, whether or not there is room for it */
};

struct print_form {
  bool left, zero, plus;
  int width;
  int precision; /* -1: none given */
  int longs;     /* 1: long, size_t, ptrdiff_t; 2: long long, intmax_t */
};

static void print_char(struct print *out, char c) {
  if (out->size + 1 < out->room) out->text[out->size] = c;
  out->size++;
}

static void print_fill(struct print *out, char c, int count) {
  for (; count > 0; count--) print_char(out, c);
}

static void print_text(struct print *out, const struct print_form *form,
                       const char *text, size_t size) {
  int rest = form->width - (int)size;
  if (!form->left) print_fill(out, ' ', rest);
  for (size_t i = 0; i < size; i++) print_char(out, text[i]);
  if (form->left) print_fill(out, ' ', rest);
}

/* 'sign' is 0 when none is to be written. */
static void print_digits(struct print *out, const struct print_form *form,
                         uint64_t value, unsigned base, const char *digits,
                         char sign) {
  char text[20];
  int first = sizeof(text), zeros, rest;
  for (; value != 0; value /= base) text[--first] = digits[value % base];
  zeros =
      (form->precision < 0 ? 1 : form->precision) - ((int)sizeof(text) - first);
  if (zeros < 0) zeros = 0;
  rest = form->width - zeros - ((int)sizeof(text) - first) - (sign != 0);
  if (form->zero && !form->left && form->precision < 0 && rest > 0) {
    zeros += rest;
    rest = 0;
  }
  if (!form->left) print_fill(out, ' ', rest);
  if (sign) print_char(out, sign);
  print_fill(out, '0', zeros);
  for (; first < (int)sizeof(text); first++) print_char(out, text[first]);
  if (form->left) print_fill(out, ' ', rest);
}

static int print_number(const char **at, va_list *args) {
  int value = 0;
  if (**at == '*') {
    ++*at;
    return va_arg(*args, int);
  }
  for (; **at >= '0' && **at <= '9'; ++*at) value = value * 10 + (**at - '0');
  return value;
}

/* Reads what stands between % and the conversion. */
static struct print_form print_form_read(const char **at, va_list *args) {
  struct print_form form = {.precision = -1};
  for (;; ++*at) {
    if (**at == '-')
      form.left = true;
    else if (**at == '0')
      form.zero = true;
    else if (**at == '+')
      form.plus = true;
    else
      break;
  }
  form.width = print_number(at, args);
  if (form.width < 0) {
    form.left = true;
    form.width = -form.width;
  }
  if (**at == '.') {
    ++*at;
    form.precision = print_number(at, args);
  }
  for (;; ++*at) {
    if (**at == 'l')
      form.longs++;
    else if (**at == 'j')
      form.longs = 2;
    else if (**at != 'z' && **at != 't' && **at != 'h')
      break;
  }
  return form;
}

static void print_signed(struct print *out, const struct print_form *form,
                         va_list *args) {
  int64_t value =
      form->longs > 1 ? va_arg(*args, long long) : va_arg(*args, int);
  print_digits(out, form, value < 0 ? -(uint64_t)value : (uint64_t)value, 10,
               "0123456789",
               value < 0    ? '-'
               : form->plus ? '+'
                            : 0);
}

static void print_unsigned(struct print *out, const struct print_form *form,
                           va_list *args, char conversion) {
  uint64_t value = form->longs > 1 ? va_arg(*args, unsigned long long)
                                   : va_arg(*args, unsigned int);
  print_digits(out, form, value, conversion == 'u' ? 10 : 16,
               conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef", 0);
}

static void print_string(struct print *out, const struct print_form *form,
                         const char *text) {
  size_t size = form->precision < 0 ? strlen(text)
                                    : strnlen(text, (size_t)form->precision);
  print_text(out, form, text, size);
}

static void print_conversion(struct print *out, const struct print_form *form,
                             va_list *args, char conversion) {
  char c;
  switch (conversion) {
  case 'd':
  case 'i':
    print_signed(out, form, args);
    break;
  case 'u':
  case 'x':
  case 'X':
  case 'p':
    print_unsigned(out, form, args, conversion);
    break;
  case 's':
    print_string(out, form, va_arg(*args, const char *));
    break;
  case 'c':
    c = (char)va_arg(*args, int);
    print_text(out, form, &c, 1);
    break;
  default:
    print_char(out, conversion);
  }
}

int vsnprintf(char *restrict text, size_t room, const char *restrict format,
              va_list given) {
  struct print out = {.text = text, .room = room};
  va_list args;
  va_copy(args, given);
  for (const char *at = format; *at; at++) {
    struct print_form form;
    if (*at != '%') {
      print_char(&out, *at);
      continue;
    }
    at++;
    form = print_form_read(&at, &args);
    if (*at == 0) break;
    print_conversion(&out, &form, &args, *at);
  }
  va_end(args);
  if (room > 0) text[out.size < room ? out.size : room - 1] = 0;
  return (int)out.size;
}

int snprintf(char *restrict text, size_t room, const char *restrict format,
             ...) {
  va_list args;
  int size;
  va_start(args, format);
  size = vsnprintf(text, room, format, args);
  va_end(args);
  return size;
}

/* For JSON, whose numbers have been checked. */
double strtod(const char *restrict text, char **restrict end) {
  JSATODTempMem memory;
  return js_atod(text, (const char **)end, 10, 0, &memory);
}
