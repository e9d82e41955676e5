//! The pages in a real browser: they open, the failing operation is in view, a click shows its
//! details, nothing complains, and hostile keys and values stay text.

#[path = "report/chromium.rs"]
mod chromium;
#[path = "report/sample.rs"]
mod sample;

use std::path::{Path, PathBuf};

use checker::{History, Value};
use ordeal::pages;
use ordeal::report::{Input, record, write_all};
use ordeal::store::{InSuite, Outcome, Record, runs};
use ordeal::suite::{Cell, Night, Plan};

const HOSTILE: &str = "</script><img src=x onerror=\"window.pwned=1\">{{data}}<!--'&\u{202E}";

fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-browser").join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("the test folder is ours");
    dir
}

fn report(name: &str, operations: usize, key: &dyn Fn(i64) -> Value) -> PathBuf {
    let sample = sample::invalid(operations, key);
    let input = Input {
        title: format!("sandbox {name}"),
        history: &sample.history,
        verdict: &sample.verdict,
        run: Some(sample::facts()),
    };
    let dir = folder(name);
    assert_eq!(write_all(&dir, &input), Vec::<String>::new());
    dir
}

/// A copy of a page with a script at its end that acts like a person and leaves what it saw in the
/// title, a word a check.
fn driven(page: &Path, script: &str) -> PathBuf {
    let text = std::fs::read_to_string(page).expect("the page was written");
    let (head, tail) = text.rsplit_once("</body>").expect("a page has a body");
    let path = page.with_extension("driven.html");
    // Right after the first frame, in which everything must be there. A browser on a busy machine may
    // have none within its budget of virtual time, and then what the page would draw in it is asked for.
    let driver = format!(
        "<script>{{ let begun = false; const drive = () => {{ if (begun) return; begun = true; {script} }};
         const frameless = () => {{ if (begun) return; if (typeof ordeal !== 'undefined') ordeal.draw(); drive(); }};
         requestAnimationFrame(() => setTimeout(drive)); setTimeout(frameless, 2000); }}</script>"
    );
    std::fs::write(&path, format!("{head}{driver}</body>{tail}")).expect("the test folder is ours");
    path
}

/// Opens a driven page and returns the checks that failed, with what the console said. A page whose
/// driver died has no list at all; since a browser may also be stopped too early by a machine that is
/// too busy, it is asked a few times before that is believed.
fn failures(browser: &Path, page: &Path, script: &str) -> Vec<String> {
    let page = driven(page, script);
    let mut said = Vec::new();
    for _ in 0..3 {
        let chromium::Page { dom, console } = chromium::open(browser, &page);
        let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
        if let Some(list) = title.and_then(|title| title.strip_prefix("checked: ")) {
            let failed = list.split(", ").filter(|check| !check.ends_with(" yes"));
            return failed.map(str::to_owned).chain(console).collect();
        }
        said = console;
    }
    panic!("the driver did not finish: {said:?}")
}

const PERSON: &str = r##"
  const seen = [], check = (name, holds) => seen.push(name + (holds ? " yes" : " NO"));
  const canvas = document.getElementById("canvas"), details = document.getElementById("selected");
  const colour = at => {
    const box = canvas.getBoundingClientRect(), scale = canvas.width / box.width;
    return [...canvas.getContext("2d").getImageData((at.x - box.left) * scale, (at.y - box.top) * scale + 9, 1, 1).data].slice(0, 3).join();
  };
  const pointer = (name, at) => canvas.dispatchEvent(new PointerEvent(name, { clientX: at.x, clientY: at.y, bubbles: true }));
  const click = at => { pointer("pointerdown", at); pointer("pointerup", at); };
  const key = name => document.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
  const wrong = ordeal.failing(), at = ordeal.locate(wrong);
  check("failing operation in view", at.visible && at.x > 0 && at.x < innerWidth && at.y > 0 && at.y < innerHeight);
  check("failing operation painted", colour(at) === "129,191,252");
  check("failing operation explained", document.getElementById("why").textContent.includes("the register holds"));
  check("sentence on top", document.getElementById("sentence").textContent.startsWith("stale read"));
  check("key chosen", ordeal.state.key === wrong.key);
  key("Escape");
  check("details empty", !details.textContent.includes("index"));
  click(ordeal.locate(wrong));
  check("a click shows the whole operation", ordeal.state.selected === wrong && details.textContent.includes("index " + wrong.index) && details.textContent.includes("could not be placed"));
  check("and its node", details.textContent.includes(wrong.node));
  const span = () => ordeal.state.to - ordeal.state.from, before = span();
  canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: -100, clientX: at.x, clientY: at.y, cancelable: true }));
  check("the wheel zooms", span() < before);
  check("around the pointer", Math.abs(ordeal.locate(wrong).x - at.x) < 400 && ordeal.locate(wrong).visible);
  const from = ordeal.state.from;
  pointer("pointerdown", at); pointer("pointermove", { x: at.x - 60, y: at.y }); pointer("pointerup", { x: at.x - 60, y: at.y });
  check("dragging pans", ordeal.state.from > from);
  check("a drag selects nothing else", ordeal.state.selected === wrong);
  key("0");
  check("0 shows the whole run", ordeal.state.from <= 0 && span() > before);
  key("g");
  check("g goes back", ordeal.locate(wrong).visible && span() <= before * 1.01);
  key("[");
  check("[ steps back", ordeal.state.selected !== wrong);
  const keys = document.getElementById("key");
  keys.value = "-1"; keys.dispatchEvent(new Event("change"));
  check("all keys", ordeal.state.key === -1);
  ordeal.draw();
  check("no markup from values", document.images.length === 0 && !window.pwned);
  document.title = "checked: " + seen.join(", ");
"##;

#[test]
fn the_timeline_opens_on_the_failing_operation_and_answers_to_hand_and_keyboard() {
    let Some(browser) = chromium::find("the timeline in a browser") else { return };
    let dir = report("ten-thousand", 10_000, &Value::Int);
    assert_eq!(failures(&browser, &dir.join("timeline.html"), PERSON), Vec::<String>::new());
}

#[test]
fn hostile_keys_and_values_stay_text_everywhere() {
    let Some(browser) = chromium::find("hostile values in a browser") else { return };
    let dir = report("hostile", 1_000, &|key| Value::string(format!("{HOSTILE}{key}/../..")));
    assert_eq!(failures(&browser, &dir.join("timeline.html"), PERSON), Vec::<String>::new());
    let page = chromium::open(&browser, &dir.join("report.html"));
    assert_eq!(page.console, Vec::<String>::new());
    assert!(!page.dom.contains("<img"), "a value became an element");
    assert!(page.dom.contains("&lt;img src=x"), "the value is shown");
    for entry in std::fs::read_dir(dir.join("independent")).expect("folders of keys") {
        let name = entry.expect("a folder").file_name().into_string().expect("plain names");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)), "{name}");
    }
}

#[test]
fn pictures_are_well_formed_xml_whatever_the_values_hold() {
    let Some(browser) = chromium::find("pictures in a browser") else { return };
    let dir = report("pictures", 1_000, &|key| Value::string(format!("{HOSTILE}\u{1}{key}")));
    for name in ["violation.svg", "latency-raw.svg", "latency-quantiles.svg", "rate.svg"] {
        let page = chromium::open(&browser, &dir.join(name));
        assert!(page.dom.contains("<svg") && !page.dom.contains("parsererror"), "{name}");
        assert_eq!(page.console, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn an_empty_history_has_a_timeline_that_opens() {
    let Some(browser) = chromium::find("the empty timeline in a browser") else { return };
    let history = History::from_ops(Vec::new()).expect("nothing is well-formed");
    let verdict = sample::empty();
    let input = Input { title: "nothing".into(), history: &history, verdict: &verdict, run: None };
    let dir = folder("empty");
    assert_eq!(write_all(&dir, &input), Vec::<String>::new());
    let script = "document.title = 'checked: open yes';";
    assert_eq!(failures(&browser, &dir.join("timeline.html"), script), Vec::<String>::new());
}

const NIGHT: &str = "nightly/20261121T020000.000Z";

/// A store with a night of two cells: the sample with its violation, and one without.
fn store() -> PathBuf {
    let store = folder("store");
    let night = store.join(NIGHT);
    let sample = sample::invalid(1_000, &|key| Value::string(format!("{HOSTILE}{key}")));
    let input = Input {
        title: "the sample".into(),
        history: &sample.history,
        verdict: &sample.verdict,
        run: Some(sample::facts()),
    };
    let cells = ["broken", "right"].map(|id| Cell {
        id: id.into(),
        system: "sandbox".into(),
        bug: None,
        workload: "register".into(),
        nemesis: id.into(),
        seed: 1,
        scenario: String::new(),
        env: None,
        args: Vec::new(),
    });
    for (cell, verdict) in cells.iter().zip([Outcome::Invalid, Outcome::Valid]) {
        let run = format!("{}/20261121T020001.000Z", cell.id);
        assert_eq!(write_all(&night.join(&run), &input), Vec::<String>::new());
        std::fs::write(night.join(&run).join("checker.log"), "").expect("the test folder is ours");
        let suite = InSuite {
            name: "nightly".into(),
            night: NIGHT.into(),
            cell: cell.id.clone(),
            attempt: 1,
            cells: 2,
        };
        let record = record(&input);
        let record = Record { id: run.clone(), folder: run, suite: Some(suite), verdict, ..record };
        runs::append(&night, &record).expect("the test folder is ours");
        runs::append(&store, &record.seen_from(NIGHT)).expect("the test folder is ours");
    }
    let plan = Plan {
        schema: "ordeal-suite/1".into(),
        name: "nightly".into(),
        about: None,
        ordeal: "0.1.0".into(),
        started: "2026-11-21T02:00:00Z".into(),
        seed: 1,
        command: "checker suite nightly.toml".into(),
        retries: 1,
        repeats: None,
        ended: None,
        cells: cells.into(),
    };
    let plan = serde_json::to_string(&plan).expect("a plan is JSON");
    std::fs::write(night.join("suite.json"), plan).expect("the test folder is ours");
    let night = Night::open(&night).expect("a night");
    assert_eq!(pages::of_night(&night), Vec::<String>::new());
    assert_eq!(pages::of_store(&store), Vec::<String>::new());
    store
}

/// What a person sees without scrolling, and that the page fits the window.
const IN_THE_MORNING: &str = r##"
  const seen = [], check = (name, holds) => seen.push(name + (holds ? " yes" : " NO"));
  const first = document.querySelector("article"), picture = document.querySelector("article svg");
  const box = picture.getBoundingClientRect();
  check("the answer is on top", document.querySelector("header .verdict").textContent === "invalid");
  check("in one sentence", document.querySelector("h1").textContent.startsWith("Of 2 cells 1 shows a violation; 1 is valid"));
  check("the violation comes first", first.className === "invalid" && first.getBoundingClientRect().top < innerHeight / 2);
  check("its picture is in view", box.width > 600 && box.height > 150 && box.top < innerHeight);
  check("with its sentence", picture.textContent.includes("stale read"));
  const commands = [...document.querySelectorAll("article pre")].map(one => one.textContent);
  check("what to type", commands.length === 3 && commands.every(one => one.startsWith("checker ")));
  check("nothing sticks out", document.documentElement.scrollWidth <= innerWidth);
  check("no markup from values", document.images.length === 0 && !window.pwned);
  check("all cells", document.querySelectorAll(".grid .box").length === 2);
  document.title = "checked: " + seen.join(", ");
"##;

#[test]
fn the_page_of_a_night_shows_the_violation_first_and_every_link_leads_somewhere() {
    let Some(browser) = chromium::find("the page of a night in a browser") else { return };
    let store = store();
    let night = store.join(NIGHT).join("report.html");
    // The page forbids scripts, the driver's too.
    let text = std::fs::read_to_string(&night).expect("the page was written");
    let policy = text.lines().find(|line| line.contains("Content-Security-Policy"));
    let open = night.with_file_name("open.html");
    std::fs::write(&open, text.replace(policy.expect("a policy"), "")).expect("our folder");
    assert_eq!(failures(&browser, &open, IN_THE_MORNING), Vec::<String>::new());
    for page in [night, store.join("index.html"), store.join("trend.html")] {
        let text = std::fs::read_to_string(&page).expect("the page was written");
        let links: Vec<&str> =
            text.split("href=\"").skip(1).filter_map(|it| it.split('"').next()).collect();
        assert!(!links.is_empty());
        for link in links {
            let to = page.parent().expect("a folder").join(link);
            assert!(to.exists(), "{} links to {link}", page.display());
        }
    }
    for name in ["index.html", "trend.html"] {
        let page = chromium::open(&browser, &store.join(name));
        assert_eq!(page.console, Vec::<String>::new(), "{name}");
        assert!(!page.dom.contains("<img"), "{name}: a value became an element");
    }
}
