//! The HTML report in a real Chromium: it renders, asks nothing of any network, has nothing to tell its
//! console, and axe-core finds nothing in it that keeps people from reading it; light, dark, on a phone
//! and on paper.
//!
//! What each page looked like is left below `target/tmp/browser`, to be looked at. Takes its pages from
//! `fixtures/scenarios`, so that what is tested can be read there.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::ground;

/// What is rendered: words chosen to do harm, no hosts, grades under a guideline, three tiers, and several
/// domains on one page.
const PAGES: [(&str, &[&str]); 5] = [
    ("hostile-banner", &["hostile-banner"]),
    ("null-mx", &["null-mx"]),
    ("profile", &["profile"]),
    ("several", &["even", "null-mx", "prober-blocked", "weak-backup"]),
    ("three-tiers", &["three-tiers"]),
];

/// A way to look at a page.
struct Look {
    name: &'static str,
    scheme: &'static str,
    width: u32,
}

const LOOKS: [Look; 3] = [
    Look { name: "light", scheme: "light", width: 1280 },
    Look { name: "dark", scheme: "dark", width: 1280 },
    Look { name: "phone", scheme: "light", width: 390 },
];

/// Elements that reach past the window without standing in something that scrolls.
const CUT_OFF: &str = "[...document.querySelectorAll('body *')].filter(one => \
    one.checkVisibility() && !one.closest('.scroll > *') && !one.matches('.skip') && \
    one.getBoundingClientRect().right > innerWidth + 0.5).map(one => one.outerHTML.slice(0, 200))";

/// Everything that axe-core objects to, with where it is.
const AXE: &str = "axe.run(document, { resultTypes: ['violations'] }).then(result => result.violations.flatMap(violation => \
    violation.nodes.map(node => `${violation.id}: ${node.html} ${node.failureSummary}`)))";

/// What the page's own policy does to a picture from elsewhere.
const INTRUSION: &str = "new Promise(tell => { \
    addEventListener('securitypolicyviolation', event => tell(event.effectiveDirective)); \
    document.body.append(Object.assign(new Image(), { src: 'http://192.0.2.1/x.png' })); })";

#[test]
fn a_page_renders_quietly_and_keeps_nobody_out() {
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    fs::create_dir_all(&shots).unwrap();
    // Its last word would be the whole library.
    let axe = fs::read_to_string(ground::unpacked("axe/axe.min.js")).unwrap() + ";0";
    let mut browser = Browser::open();
    for (name, scenarios) in PAGES {
        browser.publish(name, &page(name, scenarios));
        for Look { name: look, scheme, width } in LOOKS {
            let title = format!("{name}, {look}");
            browser.look(scheme, width);
            let told = browser.load(name);
            assert_eq!(told, [format!("request {}", address(name))], "{title}");
            assert_eq!(browser.ask(CUT_OFF), json!([]), "{title}");
            browser.ask(&axe);
            assert_eq!(browser.ask(AXE), json!([]), "{title}");
            browser.photograph(&shots.join(format!("{name}-{look}.png")));
        }
        browser.print(&shots.join(format!("{name}.pdf")));
    }
}

#[test]
fn evidence_leads_to_its_line_and_opens_the_transcript() {
    let mut browser = Browser::open();
    browser.publish("weak-backup", &page("weak-backup", &["weak-backup"]));
    browser.look("light", 1280);
    browser.load("weak-backup");
    let shown = "(() => { const line = document.querySelector(':target'); \
        return line !== null && line.checkVisibility(); })()";
    assert_eq!(browser.ask(shown), json!(false));
    let follow = "(() => { const link = document.querySelector('.evidence a'); \
        link.click(); return link.hash.slice(1); })()";
    let anchor = browser.ask(follow);
    assert_eq!(browser.ask("document.querySelector(':target').id"), anchor);
    assert_eq!(browser.ask(shown), json!(true));
    assert_eq!(browser.ask("document.querySelectorAll('details[open]').length"), json!(1));
}

#[test]
fn the_policy_of_a_page_lets_nothing_in() {
    let mut browser = Browser::open();
    browser.publish("even", &page("even", &["even"]));
    browser.load("even");
    assert_eq!(browser.ask(INTRUSION), json!("img-src"));
}

/// The page about `scenarios`, as its user would have it made.
fn page(name: &str, scenarios: &[&str]) -> Vec<u8> {
    let stored = |name: &&str| {
        let file = format!("fixtures/scenarios/{name}/report.json");
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_mxparity"));
    command.args(["judge", "-", "--format", "html"]);
    if name == "profile" {
        command.args(["--profile", "ncsc-2025-05"]);
    }
    let mut judge = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let reports: Vec<u8> = scenarios.iter().flat_map(stored).collect();
    judge.stdin.take().unwrap().write_all(&reports).unwrap();
    let done = judge.wait_with_output().unwrap();
    assert!(done.stderr.is_empty(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

/// Where the browser finds a page: among what `enter` shares with us.
fn address(name: &str) -> String {
    format!("file:///var/log/{name}.html")
}

/// A Chromium with one tab, in a namespace without any network. Ends when dropped.
struct Browser {
    process: Child,
    /// Messages of its `DevTools` protocol, each ended by a zero octet.
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Option<Value>,
    sent: u64,
    /// What it told unasked.
    told: Vec<Value>,
    folder: tempfile::TempDir,
}

impl Browser {
    fn open() -> Self {
        let packages = ground::unpacked("browser");
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let part = |name| folder.path().join(name);
        for name in ["files", "pages"] {
            fs::create_dir(part(name)).unwrap();
        }
        // The protocol runs over the third and fourth descriptor.
        let words = "exec \"$@\" 3<&0 4>&1 </dev/null >&2";
        let mut process = Command::new("sh")
            .args(["-c", words, "sh", "unshare", "--net", "--mount", "--pid", "--fork"])
            .arg("--kill-child")
            .args([ground::script("enter"), packages, part("files"), part("pages")])
            .args(["env", "HOME=/tmp", "/usr/lib/chromium/chromium-headless-shell"])
            .args(["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"])
            .arg("--remote-debugging-pipe")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(part("errors")).unwrap())
            .spawn()
            .unwrap();
        let to = process.stdin.take().unwrap();
        let from = BufReader::new(process.stdout.take().unwrap());
        let mut browser =
            Self { process, to, from, session: None, sent: 0, told: Vec::new(), folder };
        let tab = browser.say("Target.createTarget", &json!({ "url": "about:blank" }));
        let words = json!({ "targetId": tab["targetId"], "flatten": true });
        let attached = browser.say("Target.attachToTarget", &words);
        browser.session = Some(attached["sessionId"].clone());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.say(&format!("{domain}.enable"), &json!({}));
        }
        browser
    }

    /// Puts a page where the browser finds it.
    fn publish(&self, name: &str, page: &[u8]) {
        fs::write(self.folder.path().join(format!("pages/{name}.html")), page).unwrap();
    }

    /// Chooses colours and a window for the pages that follow.
    fn look(&mut self, scheme: &str, width: u32) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.say("Emulation.setEmulatedMedia", &json!({ "features": [feature] }));
        let window =
            json!({ "width": width, "height": 844, "deviceScaleFactor": 1, "mobile": false });
        self.say("Emulation.setDeviceMetricsOverride", &window);
    }

    /// Loads a page, and says what the browser asked the network for and told its console.
    #[track_caller]
    fn load(&mut self, name: &str) -> Vec<String> {
        self.told.clear();
        self.say("Page.navigate", &json!({ "url": address(name) }));
        while !self.told.iter().any(|told| told["method"] == "Page.loadEventFired") {
            let told = self.hear();
            self.told.push(told);
        }
        // What the page is drawn from is asked for before it is drawn.
        self.ask("new Promise(tell => requestAnimationFrame(() => requestAnimationFrame(tell)))");
        let say = |told: &Value| {
            let told = (told["method"].as_str()?, &told["params"]);
            match told {
                ("Network.requestWillBeSent", request) => {
                    Some(format!("request {}", request["request"]["url"].as_str()?))
                }
                ("Runtime.consoleAPICalled" | "Runtime.exceptionThrown", words) => {
                    Some(format!("console {words}"))
                }
                ("Log.entryAdded", words) => Some(format!("log {words}")),
                _ => None,
            }
        };
        self.told.iter().filter_map(say).collect()
    }

    /// What an expression comes to on the page that is loaded.
    #[track_caller]
    fn ask(&mut self, expression: &str) -> Value {
        let words =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.say("Runtime.evaluate", &words);
        assert!(answer["exceptionDetails"].is_null(), "{expression:.80}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Leaves the whole page as a picture.
    fn photograph(&mut self, file: &Path) {
        let words = json!({ "captureBeyondViewport": true });
        self.keep("Page.captureScreenshot", &words, file);
    }

    /// Leaves what a printer would get.
    fn print(&mut self, file: &Path) {
        let words = json!({ "paperWidth": 8.27, "paperHeight": 11.69 });
        self.keep("Page.printToPDF", &words, file);
    }

    #[track_caller]
    fn keep(&mut self, method: &str, words: &Value, file: &Path) {
        let answer = self.say(method, words);
        let bytes = BASE64.decode(answer["data"].as_str().unwrap().as_bytes()).unwrap();
        fs::write(file, bytes).unwrap();
    }

    /// Says one thing and waits for its answer.
    #[track_caller]
    fn say(&mut self, method: &str, words: &Value) -> Value {
        self.sent += 1;
        let mut message = json!({ "id": self.sent, "method": method, "params": words });
        if let Some(session) = &self.session {
            message["sessionId"] = session.clone();
        }
        let bytes = [message.to_string().as_bytes(), &[0]].concat();
        self.to.write_all(&bytes).unwrap_or_else(|error| panic!("{error}: {}", self.errors()));
        loop {
            let mut heard = self.hear();
            if heard["id"] == self.sent {
                assert!(heard["error"].is_null(), "{method}: {}", heard["error"]);
                return heard["result"].take();
            }
            self.told.push(heard);
        }
    }

    #[track_caller]
    fn hear(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.from.read_until(0, &mut bytes).unwrap();
        assert_eq!(bytes.pop(), Some(0), "the browser ended: {}", self.errors());
        serde_json::from_slice(&bytes).unwrap()
    }

    fn errors(&self) -> String {
        fs::read_to_string(self.folder.path().join("errors")).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // With the first process of its namespace all others end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
