// The session for the page's own JavaScript: a layer around this realm's fetch and XMLHttpRequest, and what stands on
// window. It is JavaScript because a native method that throws must not throw through Python: Pyodide would wrap the
// error, and MicroPython lose its stack.
//
//   __pillion_layers__.add(rule, name)   lays the layers, unless they are there, has them follow the rule, and sets
//                                        window[name] to {id, state, ready()}; false if the page doesn't let it
//   __pillion_layers__.remove(rule)      takes that back; where others have laid a layer over ours, it is left asleep
//   __pillion_layers__.fetch(...)        fetch through all layers, of which ours adds nothing: for what pillion sends
//
// rule, from pillion/javascript.py: origins, which may have the ID. value(): what stands in the header, or nothing while a
// call has to wait. wait(resolve, reject): the same later. now(): the same for a call that can't wait, or nothing, and
// then why() says why. id(), state(), ready(resolve, reject): of the session.
(() => {
  "use strict";
  if (globalThis.__pillion_layers__) return;
  const HEADER = "Authorization";
  const { Request, URL, DOMException, ProgressEvent, Promise, Reflect } = globalThis; // whatever the page makes of them
  const urlOf = Object.getOwnPropertyDescriptor(Request.prototype, "url").get;
  const rules = [];
  const laid = [];
  const calls = new WeakMap();
  let isOurOwn = false;

  const base = () => globalThis.document?.baseURI ?? location.href;
  const known = new Map(); // the last addresses that were taken apart, which most calls go to again
  const parsed = (url) => {
    const key = `${base()} ${url}`;
    if (!known.has(key)) {
      if (known.size >= 100) known.clear();
      known.set(key, URL.canParse(url, base()) ? new URL(url, base()) : undefined);
    }
    return known.get(key);
  };
  const ruleFor = (url) =>
    /^https?:$/.test(url?.protocol) ? rules.findLast((rule) => rule.origins.has(url.origin)) : undefined;
  const later = (rule) => new Promise((resolve, reject) => rule.wait(resolve, reject));

  // The address of a Request of any realm, else what fetch makes of its argument.
  const addressed = (input) => {
    if (typeof input === "string") return { url: input, input };
    try {
      return { url: urlOf.call(input), input };
    } catch {
      const url = `${input}`;
      return { url, input: url };
    }
  };

  const onFetch = (fetch, self, args) => {
    const asIs = () => Reflect.apply(fetch, self, args);
    if (isOurOwn || !rules.length || !args.length) {
      isOurOwn = false;
      return asIs();
    }
    let request, rule;
    try {
      const { url, input } = addressed(args[0]);
      args = [input, ...args.slice(1)];
      rule = ruleFor(parsed(url));
      if (!rule) return asIs();
      request = new Request(...args); // what fetch does, too: it takes the body, the signal and the options now
    } catch {
      return asIs(); // it says what is wrong
    }
    const send = (value) => {
      if (value) request.headers.set(HEADER, value);
      const [input, init] = args;
      if (request.keepalive && typeof input === "string" && !(init instanceof Request)) {
        // Firefox 153 loses the body of a Request when the page closes, so the body goes as it was given.
        return Reflect.apply(fetch, self, [input, Object.create(init, { headers: { value: request.headers } })]);
      }
      return Reflect.apply(fetch, self, [request]);
    };
    if (request.headers.has(HEADER)) return send();
    const value = rule.value() || (request.keepalive && rule.now()); // the last word of a page can't wait
    if (value) return send(value);
    return new Promise((resolve, reject) => {
      request.signal.addEventListener("abort", () => reject(request.signal.reason), { once: true });
      later(rule).then(send).then(resolve, reject);
    });
  };

  const onOpen = (open, xhr, args) => {
    const url = args.length > 1 ? parsed(`${args[1]}`) : undefined;
    if (url) args = [args[0], url.href, ...args.slice(2)]; // what is asked is what was looked at
    const result = Reflect.apply(open, xhr, args);
    delete xhr.readyState;
    const isAsync = args.length < 3 || Boolean(args[2]);
    const hasOwn = args[3] != null || url?.username;
    calls.set(xhr, { rule: hasOwn ? undefined : ruleFor(url), isAsync, isWaiting: false });
    return result;
  };

  const refuseWhileWaiting = (xhr) => {
    if (calls.get(xhr)?.isWaiting) throw new DOMException("This XMLHttpRequest is sent already.", "InvalidStateError");
  };

  const onHeader = (setRequestHeader, xhr, args) => {
    refuseWhileWaiting(xhr);
    const result = Reflect.apply(setRequestHeader, xhr, args);
    if (`${args[0]}`.toLowerCase() === HEADER.toLowerCase()) calls.delete(xhr); // the caller's own wins
    return result;
  };

  const onSend = (send, xhr, args) => {
    refuseWhileWaiting(xhr);
    const call = calls.get(xhr);
    if (!call?.rule || !rules.includes(call.rule)) return Reflect.apply(send, xhr, args);
    const go = (value) => {
      calls.delete(xhr);
      xhr.setRequestHeader(HEADER, value);
      return Reflect.apply(send, xhr, args);
    };
    const value = call.rule.now();
    if (value) return go(value);
    if (!call.isAsync) throw new Error(call.rule.why());
    call.isWaiting = true;
    const isStillSo = () => calls.get(xhr) === call; // neither aborted nor opened again
    later(call.rule).then(
      (value) => {
        if (!isStillSo()) return;
        try {
          go(value);
        } catch {
          fail(xhr);
        }
      },
      (error) => {
        if (!isStillSo()) return;
        console.warn(`${error}`);
        fail(xhr);
      },
    );
    return undefined;
  };

  const onAbort = (abort, xhr, args) => {
    const result = Reflect.apply(abort, xhr, args);
    if (calls.get(xhr)?.isWaiting) end(xhr, "abort");
    return result;
  };

  const fail = (xhr) => {
    Object.defineProperty(xhr, "readyState", { value: 4, configurable: true }); // until it is opened again
    xhr.dispatchEvent(new Event("readystatechange"));
    end(xhr, "error");
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

  // What stands on window: under each name the face of the latest rule, and what was there before the first one.
  const shown = new Map();
  const gone = () => new DOMException("The session is not installed any more.", "NotReadyError");
  const faceOf = (rule) => Object.freeze({
    get id() { return (rules.includes(rule) && rule.id()) || null; },
    get state() { return rules.includes(rule) ? rule.state() : "unknown"; },
    ready: () => new Promise((resolve, reject) => (rules.includes(rule) ? rule.ready(resolve, reject) : reject(gone()))),
  });
  const show = (name) => {
    const { faces, before } = shown.get(name);
    if (faces.length) {
      const value = faces.at(-1).face;
      return Reflect.defineProperty(globalThis, name, { value, configurable: true, enumerable: false, writable: false });
    }
    shown.delete(name);
    return before ? Reflect.defineProperty(globalThis, name, before) : Reflect.deleteProperty(globalThis, name);
  };

  globalThis.__pillion_layers__ = {
    add(rule, name) {
      if (!shown.has(name)) shown.set(name, { faces: [], before: Object.getOwnPropertyDescriptor(globalThis, name) });
      const { faces } = shown.get(name);
      faces.push({ rule, face: faceOf(rule) });
      if (!show(name)) {
        faces.pop();
        return false;
      }
      rules.push(rule);
      lay();
      return true;
    },
    remove(rule) {
      rules.splice(0, rules.length, ...rules.filter((each) => each !== rule));
      if (!rules.length) takeOff();
      for (const [name, { faces }] of shown) {
        const place = faces.findIndex((each) => each.rule === rule);
        if (place < 0) continue;
        faces.splice(place, 1);
        show(name);
      }
    },
    fetch(...args) {
      isOurOwn = true;
      try {
        return globalThis.fetch(...args);
      } finally {
        isOurOwn = false;
      }
    },
  };
})();
