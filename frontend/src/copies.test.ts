import { describe, expect, it } from "vitest";
import { basePath, type CopiesOptions, copiesIn, isToken, nameOf, writeCookie } from "./copies";

const TOKEN = `${"a".repeat(64)}.aBc-_1.${"z".repeat(43)}`;
const OTHER = `${"b".repeat(64)}.aBc-_1.${"y".repeat(43)}`;
const OPTIONS: CopiesOptions = { app: "app", base: "", maxAge: 100.4, cookie: true };

/** A page whose storage may be broken, and which shows each cookie as it was written. */
function page(url = "http://localhost:8501/", broken: "" | "reads" | "writes" | "all" = "") {
  const kept = new Map<string, string>();
  const written: string[] = [];
  const refuse = (kind: "reads" | "writes") => {
    if (broken === kind || broken === "all") throw new DOMException("denied", "SecurityError");
  };
  const localStorage = {
    getItem: (name: string) => (refuse("reads"), kept.get(name) ?? null),
    setItem: (name: string, text: string) => (refuse("writes"), void kept.set(name, text)),
    removeItem: (name: string) => (refuse("writes"), void kept.delete(name)),
  };
  const document = {
    jar: "",
    get cookie() {
      refuse("reads");
      return this.jar;
    },
    set cookie(text: string) {
      refuse("writes");
      written.push(text);
    },
  };
  const window = { location: new URL(url), localStorage, document } as unknown as Window;
  return { window, kept, written, document };
}

describe("isToken", () => {
  it("knows a token by its shape", () => {
    expect(isToken(TOKEN)).toBe(true);
    expect(isToken(`${"_".repeat(64)}.abcd.${"-".repeat(43)}`)).toBe(true);
    expect(isToken(`${"_".repeat(64)}.abcdefgh.${"-".repeat(43)}`)).toBe(true);
  });

  it.each([
    ...[null, undefined, 1, {}, [TOKEN], "", "null", "undefined", `${TOKEN}x`, ` ${TOKEN}`, `${TOKEN}\n`],
    ...[TOKEN.slice(1), TOKEN.slice(0, -1), TOKEN.replace(".", ""), TOKEN.replace("a", "é")],
    ...[TOKEN.replace("aBc-_1", "abc"), TOKEN.replace("aBc-_1", "abcdefghi"), TOKEN.repeat(100)],
    ...[TOKEN.replace("a", "+"), TOKEN.replace("a", ";"), `"${TOKEN}"`],
  ])("refuses %j", (text) => {
    expect(isToken(text)).toBe(false);
  });
});

describe("nameOf", () => {
  it.each([
    ["http://localhost:8501/", "app", "", "pgstate.app.8501."],
    ["http://localhost/", "app", "", "pgstate.app.80."],
    ["https://example.org/", "app", "", "pgstate.app.443."],
    ["https://example.org:8443/x", "app", "", "pgstate.app.8443."],
    ["http://localhost:8501/", "my%20app", "/foo/bar", "pgstate.my%20app.8501.%2Ffoo%2Fbar"],
    ["http://localhost:8501/", "app", "/caf%C3%A9", "pgstate.app.8501.%2Fcaf%25C3%25A9"],
  ])("%s, %s under %j is %s", (url, app, base, name) => {
    expect(nameOf(app, base, new URL(url) as unknown as Location)).toBe(name);
  });

  it("keeps apps on other ports, under other paths and of other names apart", () => {
    const at = (url: string, app = "app", base = "") =>
      nameOf(app, base, new URL(url) as unknown as Location);
    const names = [
      ...[at("http://h:1/"), at("http://h:2/"), at("http://h:1/", "b"), at("http://h:1/", "app", "/a")],
      ...[at("http://h:1/", "app", "/a/b"), at("https://h/"), at("http://h/")],
    ];
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("basePath", () => {
  it.each([
    ["http://localhost:8501/_stcore/bidi-components/x/index.js", ""],
    ["http://localhost:8501/foo/_stcore/bidi-components/x/index.js", "/foo"],
    ["http://localhost:8501/foo/bar/_stcore/bidi-components/x/index.js?a=/_stcore/", "/foo/bar"],
    ["https://example.org/elsewhere/index.js", ""],
    ["blob:http://localhost/123", ""],
    ["no address", ""],
    ["", ""],
  ])("of %j is %j", (url, base) => {
    expect(basePath(url)).toBe(base);
  });
});

describe("copiesIn", () => {
  it("keeps a token in localStorage, and takes it away", () => {
    const { window, kept } = page();
    const copies = copiesIn(window, OPTIONS);
    expect(copies.readLocal()).toBeNull();
    copies.writeLocal(TOKEN);
    expect(copies.readLocal()).toBe(TOKEN);
    expect([...kept.keys()]).toEqual(["pgstate.app.8501."]);
    copies.writeLocal(null);
    expect(copies.readLocal()).toBeNull();
    expect(kept.size).toBe(0);
  });

  it.each(["", "x", "null", TOKEN.slice(1), `${TOKEN}${TOKEN}`])(
    "takes %j in its place for nothing",
    (text) => {
      const { window, kept, document } = page();
      kept.set("pgstate.app.8501.", text);
      document.jar = `pgstate.app.8501.=${text}`;
      const copies = copiesIn(window, OPTIONS);
      expect(copies.readLocal()).toBeNull();
      expect(copies.readCookie()).toBeNull();
    },
  );

  it("finds its cookie among others, and none whose name only begins like it", () => {
    const { window, document } = page();
    const copies = copiesIn(window, OPTIONS);
    document.jar = `a=b; pgstate.app.8501.x=${TOKEN}; xpgstate.app.8501.=${TOKEN}`;
    expect(copies.readCookie()).toBeNull();
    document.jar += `;pgstate.app.8501.=${TOKEN};  c=d`;
    expect(copies.readCookie()).toBe(TOKEN);
  });

  it("writes a cookie that is strict, of the app's path, and lasts as long as asked", () => {
    const { window, written } = page();
    copiesIn(window, OPTIONS).writeCookie(TOKEN);
    expect(written).toEqual([
      `pgstate.app.8501.=${TOKEN}; Max-Age=100; Path=/; SameSite=Strict`,
    ]);
  });

  it("lets no base path add attributes to the cookie", () => {
    const { window, written } = page();
    copiesIn(window, { ...OPTIONS, base: "/a; Domain=example.org" }).writeCookie(TOKEN);
    expect(written).toEqual([
      `pgstate.app.8501.%2Fa%3B%20Domain%3Dexample.org=${TOKEN}; Max-Age=100; Path=/; SameSite=Strict`,
    ]);
  });

  it("writes a cookie that is secure under https, and of the host alone", () => {
    const { window, written } = page("https://example.org/foo/");
    copiesIn(window, { ...OPTIONS, base: "/foo" }).writeCookie(TOKEN);
    expect(written).toEqual([
      `__Host-pgstate.app.443.%2Ffoo=${TOKEN}; Max-Age=100; Path=/; SameSite=Strict; Secure`,
    ]);
  });

  it("takes two cookies of its name for none: somebody else has set one of them", () => {
    const { window, document } = page();
    const copies = copiesIn(window, OPTIONS);
    document.jar = `pgstate.app.8501.=${OTHER}; a=b; pgstate.app.8501.=${TOKEN}`;
    expect(copies.readCookie()).toBeNull();
    document.jar = `pgstate.app.8501.=${TOKEN}; pgstate.app.8501.=${TOKEN}`;
    expect(copies.readCookie()).toBe(TOKEN);
  });

  it("reads no cookie under https that another site of the domain could have set", () => {
    const { window, document } = page("https://example.org/");
    const copies = copiesIn(window, OPTIONS);
    document.jar = `pgstate.app.443.=${OTHER}`;
    expect(copies.readCookie()).toBeNull();
    document.jar += `; __Host-pgstate.app.443.=${TOKEN}`;
    expect(copies.readCookie()).toBe(TOKEN);
  });

  it("takes a cookie away with the same path", () => {
    const { window, written } = page();
    copiesIn(window, { ...OPTIONS, base: "/foo" }).writeCookie(null);
    expect(written).toEqual(["pgstate.app.8501.%2Ffoo=; Max-Age=0; Path=/foo; SameSite=Strict"]);
  });

  it("writes no cookie where none is wanted, and takes an earlier one away", () => {
    const { window, written } = page();
    copiesIn(window, { ...OPTIONS, cookie: false }).writeCookie(TOKEN);
    expect(written).toEqual(["pgstate.app.8501.=; Max-Age=0; Path=/; SameSite=Strict"]);
  });

  it.each(["reads", "writes", "all"] as const)("never throws where %s are refused", (broken) => {
    const copies = copiesIn(page(undefined, broken).window, OPTIONS);
    copies.writeLocal(TOKEN);
    copies.writeLocal(null);
    copies.writeCookie(TOKEN);
    copies.writeCookie(null);
    expect(copies.readLocal()).toBeNull();
    expect(copies.readCookie()).toBeNull();
  });

  it.each([
    ["both are there", "", true, true, true],
    ["cookies are blocked", "", false, true, true],
    ["the cookie alone is left", "all", true, true, true],
    ["both are blocked", "all", false, true, false],
    ["there is no cookie, and localStorage is blocked", "all", true, false, false],
  ] as const)("knows whether nothing is there: %s", (_, broken, cookieEnabled, cookie, known) => {
    const { window } = page(undefined, broken);
    const copies = copiesIn(Object.assign(window, { navigator: { cookieEnabled } }), {
      ...OPTIONS,
      cookie,
    });
    expect(copies.isReadable()).toBe(known);
  });

  it("never throws where localStorage is missing altogether", () => {
    const { window } = page();
    const copies = copiesIn({ ...window, localStorage: undefined } as unknown as Window, OPTIONS);
    copies.writeLocal(TOKEN);
    expect(copies.readLocal()).toBeNull();
  });
});

describe("the tokens that lie aside", () => {
  const LIST = [
    { token: TOKEN, refusedBy: ["0123abcd"], isSpare: false },
    { token: OTHER, refusedBy: [], isSpare: true },
  ];

  it("are kept in localStorage under a second name, which is removed with the last of them", () => {
    const { window, kept, written } = page();
    const copies = copiesIn(window, OPTIONS);
    expect(copies.readAside()).toEqual([]);
    expect(copies.writeAside(LIST)).toBe(true);
    expect([...kept.keys()]).toEqual(["pgstate-aside.app.8501."]);
    expect(copies.readAside()).toEqual(LIST);
    expect(copies.writeAside([])).toBe(true);
    expect(kept.size).toBe(0);
    expect(written).toEqual([]);
  });

  it("are not read from a cookie, which others could set", () => {
    const { window, document } = page();
    document.jar = `pgstate-aside.app.8501.=${OTHER}~first`;
    expect(copiesIn(window, OPTIONS).readAside()).toEqual([]);
  });

  it("are kept nowhere where localStorage is blocked, and a full one says that it has no room", () => {
    const blocked = copiesIn(page(undefined, "all").window, OPTIONS);
    expect(blocked.writeAside(LIST)).toBe(true);
    expect(blocked.readAside()).toEqual([]);
    const full = copiesIn(page(undefined, "writes").window, OPTIONS);
    expect(full.writeAside(LIST)).toBe(false);
    expect(full.writeAside([])).toBe(true);
  });
});

describe("writeCookie", () => {
  const STRICT = "__Host-n=t; Max-Age=9; Path=/; SameSite=Strict; Secure";
  const PARTITIONED = "__Host-n=t; Max-Age=9; Path=/; SameSite=None; Secure; Partitioned";

  /** A page in a frame; `takes`: whether the browser keeps a cookie as it was written. */
  function framed(url: string, takes: (cookie: string) => boolean): [Window, string[]] {
    const { window, written, document } = page(url);
    Object.defineProperty(document, "cookie", {
      get: () => (document.jar ? document.jar : ""),
      set: (text: string) => {
        written.push(text);
        if (takes(text)) document.jar = text.split(";")[0] ?? "";
      },
    });
    return [Object.assign(window, { top: {} }) as Window, written];
  }

  it("is strict in a frame of the app's own site, whatever the origin", () => {
    const [window, written] = framed("https://a.example.org/", () => true);
    writeCookie(window, "n", "t", 9, "");
    expect(written).toEqual([STRICT]);
  });

  it("is the frame's own where the browser takes no strict one, over https", () => {
    const [window, written] = framed("https://example.org/", (it) => it.includes("Partitioned"));
    writeCookie(window, "n", "t", 9, "");
    expect(written).toEqual([STRICT, PARTITIONED]);
  });

  it("is removed as whichever of the two it is", () => {
    const [window, written] = framed("https://example.org/", () => true);
    writeCookie(window, "n", null, 9, "");
    expect(written.map((it) => it.includes("Max-Age=0"))).toEqual([true, true]);
  });

  it("is strict without https, and in no frame", () => {
    const [window, written] = framed("http://localhost:8501/", () => false);
    writeCookie(window, "n", "t", 9, "");
    expect(written).toEqual(["n=t; Max-Age=9; Path=/; SameSite=Strict"]);
    const alone = page("https://example.org/");
    writeCookie(alone.window, "n", "t", 9, "");
    expect(alone.written).toEqual([STRICT]);
  });
});
