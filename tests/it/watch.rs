//! `bundle --watch`: what is saved is built, and nothing else.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use crate::support::{Scratch, scratch, unpack_all};

/// Much longer than a build takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where directories are new, there is a second build, of which nothing is said if it makes the same. What is saved
/// meanwhile may be in it, and nobody knows why.
const SECOND_BUILD: Duration = Duration::from_millis(500);

struct Watching {
    site: Scratch,
    fnzip: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn new(site: Scratch) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fnzip"));
        command.args(["bundle", "--watch", "--color=never"]).current_dir(&*site.path);
        let mut fnzip = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = lines(fnzip.stderr.take().unwrap());
        let mut watching = Self { site, fnzip, lines };
        watching.until("watching for changes");
        thread::sleep(SECOND_BUILD);
        watching
    }

    /// Waits for a line that says this.
    fn until(&mut self, wanted: &str) -> String {
        let mut said = Vec::new();
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else { panic!("`{wanted}` is not said: {said:#?}") };
            if line.contains(wanted) {
                return line;
            }
            said.push(line);
        }
    }

    /// Writes a file, and waits for a line.
    fn save(&mut self, path: &str, text: &str, wanted: &str) {
        self.site.file(path, text);
        let line = self.until(wanted);
        thread::sleep(SECOND_BUILD);
        // Of a file in a new directory it is that which is new.
        assert!(path.split('/').next().is_some_and(|first| line.contains(first)), "{line}");
    }

    /// The unpacked text of a file in a function's archive.
    fn shipped(&self, function: &str, file: &str) -> String {
        let to = scratch();
        unpack_all(&self.site.path.join(".netlify/functions"), &to.path);
        std::fs::read_to_string(to.path.join(function).join(file)).unwrap()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.fnzip.kill();
        let _ = self.fnzip.wait();
    }
}

fn lines(stderr: ChildStderr) -> Receiver<String> {
    let (send, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

#[test]
fn what_is_saved_is_built() {
    let site = scratch();
    site.file("netlify/functions/one.js", "exports.handler = require('../../lib/text.js')\n");
    site.file("netlify/functions/two.js", "exports.handler = () => 'first'\n");
    site.file("lib/text.js", "module.exports = () => 1\n");
    let mut watching = Watching::new(site);
    watching.save("lib/text.js", "module.exports = () => 2\n", "built one in");
    watching.save("netlify/functions/two.js", "exports.handler = () => 'second'\n", "built two in");
    assert!(watching.shipped("two", "two.js").contains("second"));
    // A new function, and one that is gone.
    watching.save("netlify/functions/three.js", "exports.handler = () => require('new')\n", "failed three in");
    watching.save("node_modules/new/index.js", "module.exports = 3\n", "built three in");
    std::fs::remove_file(watching.site.path.join("netlify/functions/three.js")).unwrap();
    watching.until("removed three in");
    // What is wrong is shown, and mended.
    watching.save("lib/text.js", "module.exports = (\n", "failed one in");
    watching.site.file("watch.log", "failed one in 7 ms\n");
    let again = watching.lines.recv_timeout(SECOND_BUILD);
    assert!(again.is_err(), "it may be the log of this that has grown: {again:?}");
    watching.save("lib/text.js", "module.exports = () => 4\n", "built one in");
    watching.save("netlify.toml", "[functions]\nnode_bundler = \"none\"\n", "built one in");
    // Wrong settings are no end.
    watching.site.file("netlify.toml", "[functions\n");
    watching.until("netlify.toml");
    while watching.lines.recv_timeout(SECOND_BUILD).is_ok() {}
    watching.site.file("watch.log", "error[configuration]: netlify.toml\n");
    let again = watching.lines.recv_timeout(SECOND_BUILD);
    assert!(again.is_err(), "it may be the log of this that has grown: {again:?}");
    watching.site.file("netlify.toml", "");
    watching.until("built one in");
}
