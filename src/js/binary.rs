//! Which native binaries the target of JavaScript functions can load. In: what a binary is built for, and
//! the target. Out: why it cannot (spec: tracing.md section 6). Never reads a binary.

use crate::binary::{Binary, Libc, System, Version, shown};
use crate::function::Platform;
use crate::path::AbsPath;

/// What functions run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Target {
    /// The machine.
    pub platform: Platform,
    /// The major version of Node.
    pub node: u32,
}

/// Why a target cannot load a binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// It is for something else; what, and what the target is.
    Foreign(String),
    /// It needs something newer than the target has.
    TooNew(String),
}

impl Target {
    /// `linux-x64`.
    pub fn name(self) -> String {
        self.platform.name()
    }

    /// As Node calls the processor.
    pub fn arch(self) -> &'static str {
        self.platform.arch.as_str()
    }

    /// As Node calls the system.
    pub fn system(self) -> &'static str {
        self.platform.system.as_str()
    }

    /// As npm calls the C library.
    pub fn libc(self) -> &'static str {
        self.platform.libc.as_str()
    }

    /// The flags by which npm installs for it.
    pub fn npm_flags(self) -> String {
        let [os, cpu, libc] = self.as_managers_say().map(|(key, value)| format!("--{key}={value}"));
        if self.platform.system == System::Linux { format!("{os} {cpu} {libc}") } else { format!("{os} {cpu}") }
    }

    /// The value of `supportedArchitectures` by which Yarn installs for it.
    pub fn yarn_setting(self) -> String {
        let [os, cpu, libc] = self.as_managers_say().map(|(key, value)| format!("{key}: [{value}]"));
        if self.platform.system == System::Linux {
            format!("{{{os}, {cpu}, {libc}}}")
        } else {
            format!("{{{os}, {cpu}}}")
        }
    }

    fn as_managers_say(self) -> [(&'static str, &'static str); 3] {
        [("os", self.system()), ("cpu", self.arch()), ("libc", self.libc())]
    }

    /// The version of Node's binary interface (NODE_MODULE_VERSION).
    pub fn abi(self) -> u32 {
        match self.node {
            ..=18 => 108,
            19..=20 => 115,
            21..=22 => 127,
            _ => 137,
        }
    }

    /// Node 18 is deployed to Amazon Linux 2, later ones to 2023: their name, and what their C and C++
    /// libraries have. None of the machine that builds: a binary that was installed there loads there.
    fn libraries(self) -> Option<(&'static str, Version, Version)> {
        if self.platform.is_host {
            None
        } else if self.node <= 18 {
            Some(("Amazon Linux 2", (2, 26, 0), (3, 4, 24)))
        } else {
            Some(("Amazon Linux 2023", (2, 34, 0), (3, 4, 29)))
        }
    }
}

impl Binary {
    /// Why the target cannot load it; none if it can.
    pub fn misfit(&self, target: Target) -> Option<Misfit> {
        let foreign =
            |it: &str, here: &str| Some(Misfit::Foreign(format!("it is for {it}, and the function runs on {here}")));
        if !self.system.fits(&target.platform.system) {
            return foreign(self.system.name(), target.platform.system.name());
        }
        if !self.arch.fits(&target.arch()) {
            return foreign(self.arch.name(), target.arch());
        }
        if let Some(libc) = self.libc.filter(|libc| *libc != target.platform.libc) {
            return foreign(libc.as_str(), target.libc());
        }
        let (system, glibc, glibcxx) = target.libraries()?;
        let node = target.node;
        if let Some(needed) = self.needs.glibc.filter(|needed| *needed > glibc) {
            let has = format!("Node {node} runs on {system} with glibc {}.{}", glibc.0, glibc.1);
            return Some(Misfit::TooNew(format!("it needs GLIBC_{}, and {has}", shown(needed))));
        }
        let needed = self.needs.glibcxx.filter(|needed| *needed > glibcxx)?;
        let message = format!("it needs GLIBCXX_{}, which Node {node}'s {system} does not have", shown(needed));
        Some(Misfit::TooNew(message))
    }
}

/// Is it, by its name, what a loader of native code takes?
pub fn is_binary(path: &AbsPath) -> bool {
    matches!(path.extension(), "node" | "so" | "dylib" | "dll") || path.name().contains(".so.")
}

/// Does a file or package say by its name that it is for another platform: `a.darwin-arm64.node`,
/// `@img/sharp-linuxmusl-x64`?
pub fn names_another(name: &str, target: Target) -> bool {
    const SYSTEMS: [&str; 5] = ["linux", "darwin", "win32", "android", "freebsd"];
    const PROCESSORS: [&str; 11] =
        ["x64", "arm64", "ia32", "arm", "armv7", "gnueabihf", "musleabihf", "riscv64", "s390x", "ppc64", "ppc64le"];
    let libcs: &[&str] = match (target.platform.system, target.platform.libc) {
        (System::Linux, Libc::Glibc) => &["musl", "linuxmusl", "universal"],
        (System::Linux, Libc::Musl) => &["gnu", "glibc", "universal"],
        (System::MacOs, _) => &["linuxmusl"],
        (System::Windows, _) => &["linuxmusl", "universal"],
    };
    let others = SYSTEMS.iter().chain(&PROCESSORS).filter(|word| **word != target.system() && **word != target.arch());
    let parts: Vec<&str> = name.split(|letter: char| !letter.is_ascii_alphanumeric()).collect();
    others.chain(libcs).chain(&["wasm32"]).any(|other| parts.contains(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_platforms() {
        let target = Target { node: 24, ..Target::default() };
        for name in ["a.darwin-arm64.node", "sharp-linuxmusl-x64", "x-linux-arm64-gnu", "win32.node"] {
            assert!(names_another(name, target), "{name}");
        }
        for name in ["a.linux-x64-gnu.node", "sharp-linux-x64", "charm.node", "a.node"] {
            assert!(!names_another(name, target), "{name}");
        }
    }
}
