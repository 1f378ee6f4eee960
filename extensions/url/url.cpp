// SPDX-License-Identifier: MIT
//
// url.cpp - class URL of the URL Standard (https://url.spec.whatwg.org/#url-class).

#include "url.h"

namespace torpor {

namespace {

JSClassID url_class;

enum part {
  HREF,
  PROTOCOL,
  USERNAME,
  PASSWORD,
  HOST,
  HOSTNAME,
  PORT,
  PATHNAME,
  SEARCH,
  HASH,
};

url_state *self_of(JSValueConst value) {
  return static_cast<url_state *>(JS_GetOpaque2(context, value, url_class));
}

void finalize(JSRuntime *rt, JSValueConst value) {
  auto *self = static_cast<url_state *>(JS_GetOpaque(value, url_class));
  if (self == nullptr) return;
  JSValue params = self->params;
  self->params = JS_UNDEFINED;
  release(self);
  JS_FreeValueRT(rt, params);
}

void mark(JSRuntime *rt, JSValueConst value, JS_MarkFunc *visit) {
  auto *self = static_cast<url_state *>(JS_GetOpaque(value, url_class));
  if (self != nullptr) JS_MarkValue(rt, self->params, visit);
}

// The address and the base of a call, read in this order.
struct arguments {
  text address, base;
  bool has_base = false;

  bool take(int count, JSValueConst *args) {
    if (!address.take(args[0])) return false;
    has_base = is_given(count, args, 1);
    return !has_base || base.take(args[1]);
  }

  size_t room() const {
    return address.room_with_host() + (has_base ? base.room_with_host() : 0);
  }

  // Null when it is not valid. Memory must be held back.
  ada::result<ada::url_aggregator> parse() const {
    if (!has_base) return ada::parse<ada::url_aggregator>(address.view());
    auto parsed = ada::parse<ada::url_aggregator>(base.view());
    if (!parsed) return parsed;
    return ada::parse<ada::url_aggregator>(address.view(), &*parsed);
  }
};

// As much of it as a message can show, without a broken character at the end.
int shown(std::string_view view) {
  constexpr size_t most = 90;
  if (view.size() <= most) return static_cast<int>(view.size());
  size_t size = most;
  while (size > 0 && (view[size] & 0xC0) == 0x80) size--;
  return static_cast<int>(size);
}

JSValue throw_invalid(const arguments &from) {
  std::string_view address = from.address.view();
  if (from.has_base)
    return JS_ThrowTypeError(
        context, "Invalid URL: '%.*s' with the base '%.*s'", shown(address),
        address.data(), shown(from.base.view()), from.base.view().data());
  return JS_ThrowTypeError(context, "Invalid URL: '%.*s'", shown(address),
                           address.data());
}

// Takes the address over, unless it throws.
JSValue wrap(ada::url_aggregator &&url, JSValueConst new_target) {
  JSValue object = object_of(url_class, new_target);
  if (JS_IsException(object)) return object;
  auto *self = new url_state{std::move(url)};
  settle(self->url.get_href());
  JS_SetOpaque(object, self);
  return object;
}

JSValue construct(JSContext *, JSValueConst new_target, int count,
                  JSValueConst *args) {
  arguments from;
  if (!has_arguments("URL", count, 1) || !from.take(count, args))
    return JS_EXCEPTION;
  reserve memory(from.room());
  if (!memory.ok) return JS_EXCEPTION;
  auto parsed = from.parse();
  if (!parsed) return throw_invalid(from);
  return wrap(std::move(*parsed), new_target);
}

JSValue can_parse(JSContext *, JSValueConst, int count, JSValueConst *args) {
  arguments from;
  if (!has_arguments("URL.canParse", count, 1) || !from.take(count, args))
    return JS_EXCEPTION;
  reserve memory(from.room());
  if (!memory.ok) return JS_EXCEPTION;
  return JS_NewBool(context, from.parse().has_value());
}

JSValue parse(JSContext *, JSValueConst, int count, JSValueConst *args) {
  arguments from;
  if (!has_arguments("URL.parse", count, 1) || !from.take(count, args))
    return JS_EXCEPTION;
  reserve memory(from.room());
  if (!memory.ok) return JS_EXCEPTION;
  auto parsed = from.parse();
  if (!parsed) return JS_NULL;
  return wrap(std::move(*parsed), JS_UNDEFINED);
}

JSValue get_part(JSContext *, JSValueConst value, int magic) {
  url_state *self = self_of(value);
  if (self == nullptr) return JS_EXCEPTION;
  const ada::url_aggregator &url = self->url;
  switch (magic) {
  case PROTOCOL:
    return string_of(url.get_protocol());
  case USERNAME:
    return string_of(url.get_username());
  case PASSWORD:
    return string_of(url.get_password());
  case HOST:
    return string_of(url.get_host());
  case HOSTNAME:
    return string_of(url.get_hostname());
  case PORT:
    return string_of(url.get_port());
  case PATHNAME:
    return string_of(url.get_pathname());
  case SEARCH:
    return string_of(url.get_search());
  case HASH:
    return string_of(url.get_hash());
  default:
    return string_of(url.get_href());
  }
}

// False: the whole address was to be set and is not valid. What else is not
// valid changes nothing.
bool change(ada::url_aggregator &url, std::string_view to, int magic) {
  switch (magic) {
  case PROTOCOL:
    url.set_protocol(to);
    break;
  case USERNAME:
    url.set_username(to);
    break;
  case PASSWORD:
    url.set_password(to);
    break;
  case HOST:
    url.set_host(to);
    break;
  case HOSTNAME:
    url.set_hostname(to);
    break;
  case PORT:
    url.set_port(to);
    break;
  case PATHNAME:
    url.set_pathname(to);
    break;
  case SEARCH:
    url.set_search(to);
    break;
  case HASH:
    url.set_hash(to);
    break;
  default:
    return url.set_href(to);
  }
  return true;
}

JSValue set_part(JSContext *, JSValueConst value, JSValueConst to, int magic) {
  url_state *self = self_of(value);
  arguments from;
  if (self == nullptr || !from.take(1, &to)) return JS_EXCEPTION;
  bool has_host = magic == HREF || magic == HOST || magic == HOSTNAME;
  reserve memory((has_host ? from.room() : from.address.room()) +
                 room_for(self->url.get_href_size()));
  if (!memory.ok) return JS_EXCEPTION;
  if (!change(self->url, from.address.view(), magic))
    return throw_invalid(from);
  settle(self->url.get_href());
  if (magic == HREF || magic == SEARCH)
    params_reload(self->params, self);
  return JS_UNDEFINED;
}

JSValue get_origin(JSContext *, JSValueConst value, int) {
  url_state *self = self_of(value);
  if (self == nullptr) return JS_EXCEPTION;
  reserve memory(room_for(self->url.get_href_size()));
  if (!memory.ok) return JS_EXCEPTION;
  return string_of(self->url.get_origin());
}

JSValue get_params(JSContext *, JSValueConst value, int) {
  url_state *self = self_of(value);
  if (self == nullptr) return JS_EXCEPTION;
  if (JS_IsUndefined(self->params)) {
    JSValue params = params_of(self);
    if (JS_IsException(params)) return params;
    self->params = params;
  }
  return JS_DupValue(context, self->params);
}

JSValue to_string(JSContext *ctx, JSValueConst value, int, JSValueConst *) {
  return get_part(ctx, value, HREF);
}

const JSClassDef definition = {
    .class_name = "URL", .finalizer = finalize, .gc_mark = mark};

const JSCFunctionListEntry members[] = {
    TORPOR_ATTRIBUTE("href", get_part, set_part, HREF),
    TORPOR_METHOD("toString", 0, to_string),
    TORPOR_ATTRIBUTE("origin", get_origin, nullptr, 0),
    TORPOR_ATTRIBUTE("protocol", get_part, set_part, PROTOCOL),
    TORPOR_ATTRIBUTE("username", get_part, set_part, USERNAME),
    TORPOR_ATTRIBUTE("password", get_part, set_part, PASSWORD),
    TORPOR_ATTRIBUTE("host", get_part, set_part, HOST),
    TORPOR_ATTRIBUTE("hostname", get_part, set_part, HOSTNAME),
    TORPOR_ATTRIBUTE("port", get_part, set_part, PORT),
    TORPOR_ATTRIBUTE("pathname", get_part, set_part, PATHNAME),
    TORPOR_ATTRIBUTE("search", get_part, set_part, SEARCH),
    TORPOR_ATTRIBUTE("searchParams", get_params, nullptr, 0),
    TORPOR_ATTRIBUTE("hash", get_part, set_part, HASH),
    TORPOR_METHOD("toJSON", 0, to_string),
    TORPOR_TAG("URL"),
};

const JSCFunctionListEntry statics[] = {
    TORPOR_METHOD("canParse", 1, can_parse),
    TORPOR_METHOD("parse", 1, parse),
};

} // namespace

bool define_url() {
  return define_interface({"URL", &url_class, &definition, construct, 1,
                           members, std::size(members), statics,
                           std::size(statics)}) &&
         keep_shape(url_class);
}

} // namespace torpor
