//! What must come of a row, by the rules of Node, of TypeScript and of the platform (spec: functions.md
//! section 4). Never looks at what fnzip makes of it.

use serde_json::{Value, json};

use super::rows::Row;

/// What must come of a row.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// The function answers so, packaged by the bundler of this name.
    Answers(Value, &'static str),
    /// It is not built: an error that names this file and says this.
    Fails(String, &'static str),
}

/// How a module is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Esm,
    CommonJs,
}

impl Row {
    /// What its name, or its package, makes of the main file, whatever is in it.
    pub(super) fn called(self) -> Option<Format> {
        match self.main_extension() {
            "mjs" | "mts" => Some(Format::Esm),
            "cjs" | "cts" => Some(Format::CommonJs),
            _ => (self.package_type() == "module").then_some(Format::Esm),
        }
    }

    /// As what the platform loads it.
    pub(super) fn output(self) -> Format {
        let by_name = self.called().filter(|_| self.is_version_2() || self.package_type() == "module");
        by_name.unwrap_or(Format::CommonJs)
    }

    /// Is the main file an ES module where it runs? Node 24 requires those, and others get CommonJS.
    fn stays_module(self) -> bool {
        let is_traced = self.way() != "esbuild";
        let is_required = is_traced && !self.is_version_2() && self.node() == "24";
        self.output() == Format::Esm || is_required && self.called() == Some(Format::Esm)
    }

    /// Does it get the ES modules of a package that has both? A bundle with packages holds what Node would import.
    fn imports_modules(self) -> bool {
        let is_inside = self.way() == "esbuild";
        self.stays_module() || is_inside && self.syntax() != "cjs"
    }

    /// Is it written in the syntax of ES modules alone, but for what `mixed` borrows?
    pub(super) fn exports(self) -> bool {
        !matches!(self.syntax(), "cjs" | "assigned")
    }

    /// Does it stand alone in its archive?
    pub(super) fn is_alone(self) -> bool {
        self.bundler() == "none"
    }

    fn way(self) -> &'static str {
        let is_module = self.called() == Some(Format::Esm) || self.syntax() != "cjs";
        match (self.bundler(), self.main_extension()) {
            ("none", _) => "none",
            _ if self.is_version_2() => "nft",
            ("esbuild", _) => "esbuild",
            ("unset", "mjs" | "ts" | "mts" | "cts" | "tsx") => "esbuild",
            ("unset", _) if is_module => "nft",
            ("unset", _) => "zisi",
            (bundler, _) => bundler,
        }
    }

    /// What must come of it.
    pub(super) fn expected(self) -> Outcome {
        let main = format!("netlify/functions/{}.{}", self.name(), self.main_extension());
        let waits = self.syntax() == "awaiting" || self.syntax() == "deep" && !self.is_alone();
        if self.called() == Some(Format::Esm) && !self.exports() {
            return Outcome::Fails(main, "is an ES module by");
        }
        if self.main_extension() == "cjs" && self.syntax() != "cjs" {
            return Outcome::Fails(main, "is CommonJS by its name");
        }
        if waits && self.output() == Format::CommonJs {
            let file = if self.syntax() == "deep" { format!("{}/own", self.folder()) } else { main };
            return Outcome::Fails(file, "await");
        }
        Outcome::Answers(self.answer(), self.way())
    }

    /// Where its own modules are.
    pub(super) fn folder(self) -> String {
        format!("lib/{}-{}", self.extension(), self.syntax())
    }

    fn answer(self) -> Value {
        let mut answer = json!({ "data": "data" });
        if self.syntax() == "awaiting" {
            answer["late"] = json!("late");
        }
        if self.is_typescript() {
            answer["kind"] = json!("enum");
        }
        if self.extension() == "tsx" {
            answer["view"] = json!("b x 1");
        }
        if self.is_alone() {
            return answer;
        }
        // What is imported has Node's meaning where Node takes the file for an ES module, else that of compilers.
        let is_node = self.called() == Some(Format::Esm) && self.exports();
        answer["common"] = json!("common named");
        answer["compiled"] = json!(if is_node { "node" } else { "compiled" });
        answer["modern"] = json!("modern");
        answer["bridge"] = json!("modern");
        answer["dual"] = json!(if self.imports_modules() { "import" } else { "require" });
        answer["own"] = json!(if self.extension() == "jsx" { "b x 1 own.txt" } else { "own own.txt" });
        answer["other"] = json!("other");
        answer["module"] = json!("always.mjs");
        answer["script"] = json!("always.cjs");
        answer["numbers"] = json!(42);
        answer["plugin"] = json!("one");
        if self.is_typescript() {
            answer["typed"] = json!("one");
        }
        answer
    }
}
