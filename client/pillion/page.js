// The session for the page's own JavaScript: a layer around this realm's fetch and XMLHttpRequest, and what stands on
// window. It is JavaScript because a native method that throws must not throw through Python: Pyodide would wrap the
// error, and MicroPython lose its stack.
//
//   __pillion_layers__.add(rule)     lays the layers, unless they are there, and has them follow the rule
//   __pillion_layers__.remove(rule)  takes them off again, or, where others have laid theirs over them, asleep
//   __pillion_layers__.face(rule)    what window.pillion is: {id, state, ready()}
//
// rule, from pillion/javascript.py: origins, which may have the ID. value(): what stands in the header, or nothing while a
// call has to wait. wait(resolve, reject): the same later. now(): the same for a call that can't wait, or nothing, and
// then why() says why. id(), state(), ready(resolve, reject): of the session.
(() => {
  "use strict";
  if (globalThis.__pillion_layers__) return;
  const HEADER = "Authorization";
  const rules = [];
  const laid = [];
  const calls = new WeakMap();

  const base = () => globalThis.document?.baseURI ?? location.href;
  const ruleFor = (url) => {
    if (!rules.length || !URL.canParse(url, base())) return undefined;
    const { protocol, origin } = new URL(url, base());
    return /^https?:$/.test(protocol) ? rules.findLast((rule) => rule.origins.has(origin)) : undefined;
  };
  const later = (rule) => new Promise((resolve, reject) => rule.wait(resolve, reject));

  const onFetch = (fetch, self, args) => {
    let [input, init] = args;
    const rule = args.length ? ruleFor(input instanceof Request ? input.url : input) : undefined;
    if (!rule) return Reflect.apply(fetch, self, args);
    let headers;
    try {
      if (init instanceof Request) [input, init] = [new Request(input, init)];
      headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
    } catch {
      return Reflect.apply(fetch, self, args); // it says what is wrong
    }
    if (headers.has(HEADER)) return Reflect.apply(fetch, self, [input, init]);
    const send = (value) => {
      headers.set(HEADER, value);
      return Reflect.apply(fetch, self, [input, { ...init, headers }]);
    };
    const value = rule.value();
    return value ? send(value) : later(rule).then(send);
  };

  const onOpen = (open, xhr, args) => {
    const result = Reflect.apply(open, xhr, args);
    calls.set(xhr, { url: args[1], isAsync: args.length < 3 || Boolean(args[2]), isWaiting: false });
    return result;
  };

  const onHeader = (setRequestHeader, xhr, args) => {
    const result = Reflect.apply(setRequestHeader, xhr, args);
    if (String(args[0]).toLowerCase() === HEADER.toLowerCase()) calls.delete(xhr); // the caller's own wins
    return result;
  };

  const onSend = (send, xhr, args) => {
    const call = calls.get(xhr);
    if (call?.isWaiting) throw new DOMException("This XMLHttpRequest is sent already.", "InvalidStateError");
    const rule = call && ruleFor(call.url);
    if (!rule) return Reflect.apply(send, xhr, args);
    const go = (value) => {
      calls.delete(xhr);
      xhr.setRequestHeader(HEADER, value);
      return Reflect.apply(send, xhr, args);
    };
    const value = call.isAsync ? rule.value() : rule.now();
    if (value) return go(value);
    if (!call.isAsync) throw new Error(rule.why());
    call.isWaiting = true;
    const isStillSo = () => calls.get(xhr) === call; // neither aborted nor opened again
    later(rule).then((value) => isStillSo() && go(value)).catch((error) => {
      if (!isStillSo()) return;
      console.warn(String(error));
      end(xhr, "error");
    });
    return undefined;
  };

  const onAbort = (abort, xhr, args) => {
    const result = Reflect.apply(abort, xhr, args);
    if (calls.get(xhr)?.isWaiting) end(xhr, "abort");
    return result;
  };

  const end = (xhr, event) => {
    calls.delete(xhr);
    xhr.dispatchEvent(new ProgressEvent(event));
    xhr.dispatchEvent(new ProgressEvent("loadend"));
  };

  const lay = () => {
    const prototype = XMLHttpRequest.prototype;
    const traps = [[globalThis, "fetch", onFetch], [prototype, "open", onOpen], [prototype, "send", onSend],
      [prototype, "setRequestHeader", onHeader], [prototype, "abort", onAbort]];
    for (const [target, name, apply] of traps) {
      if (laid.some((each) => each.target === target && each.name === name)) continue;
      const below = target[name];
      const layer = new Proxy(below, { apply: (method, self, args) => apply(method, self, args) });
      target[name] = layer;
      laid.push({ target, name, below, layer });
    }
  };

  const takeOff = () => {
    for (const each of laid.splice(0)) {
      if (each.target[each.name] === each.layer) each.target[each.name] = each.below;
      else laid.push(each);
    }
  };

  const face = (rule) => Object.freeze({
    get id() { return rule.id() ?? null; },
    get state() { return rule.state(); },
    ready: () => new Promise((resolve, reject) => rule.ready(resolve, reject)),
  });

  globalThis.__pillion_layers__ = {
    face,
    add(rule) { rules.push(rule); lay(); },
    remove(rule) {
      rules.splice(0, rules.length, ...rules.filter((each) => each !== rule));
      if (!rules.length) takeOff();
    },
  };
})();
