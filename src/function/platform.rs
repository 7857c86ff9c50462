//! What functions run on: the platform that they are deployed to, or the machine that builds them. In:
//! what the settings say. Out: system, processor, C library, as Node and npm call them. Never looks at
//! a binary.

pub use crate::binary::{Libc, System};
use crate::path::AbsPath;
use crate::store::Store;

/// A machine that functions run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Platform {
    /// The operating system.
    pub system: System,
    /// The processor.
    pub arch: Arch,
    /// The C library, where the system is Linux.
    pub libc: Libc,
    /// It is the machine that builds, whose libraries are what they are.
    pub is_host: bool,
}

/// The processors that functions run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Arch {
    /// What Node calls `x64`.
    #[default]
    X64,
    /// What Node calls `arm64`.
    Arm64,
}

impl Arch {
    /// As Go calls it (`GOARCH`).
    pub fn in_go(self) -> &'static str {
        match self {
            Self::X64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// As Rust calls it, in the names of targets.
    pub fn in_rust(self) -> &'static str {
        match self {
            Self::X64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }

    /// As Node calls it (`process.arch`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::X64 => "x64",
            Self::Arm64 => "arm64",
        }
    }
}

impl Platform {
    /// What functions are deployed to, with this processor.
    pub fn deployed(arch: Arch) -> Self {
        Self { arch, ..Self::default() }
    }

    /// The machine that builds; none if functions have no binaries for its kind.
    pub fn host(store: &Store) -> Option<Self> {
        let system = match std::env::consts::OS {
            "linux" => System::Linux,
            "macos" => System::MacOs,
            "windows" => System::Windows,
            _ => return None,
        };
        let (arch, loaders) = match std::env::consts::ARCH {
            "x86_64" => (Arch::X64, ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"]),
            "aarch64" => (Arch::Arm64, ["/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-aarch64.so.1"]),
            _ => return None,
        };
        let [has_glibc, has_musl] = loaders.map(|loader| store.is_file(&AbsPath::of(loader)));
        let libc = if has_musl && !has_glibc { Libc::Musl } else { Libc::Glibc };
        Some(Self { system, arch, libc, is_host: true })
    }

    /// `linux-x64`.
    pub fn name(self) -> String {
        format!("{}-{}", self.system.as_str(), self.arch.as_str())
    }
}
