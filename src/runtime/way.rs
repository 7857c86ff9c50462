//! Which way a function is packaged (spec: functions.md section 4, the table). In: a function and its main
//! module. Out: the way, and the format of the module that the platform loads.

use crate::function::{Bundler, Function};
use crate::js::graph::{Graph, Module, says_module};
use crate::path::AbsPath;
use crate::plan::ModuleFormat;

/// How a function's modules become files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The main file ships, and what somebody names.
    Alone,
    /// Every module stays a file, at its place.
    Traced,
    /// The user's own modules become one file, and packages stay as they are.
    OwnBundled,
    /// Packages go into that file, too.
    Bundled {
        /// If that fails, the function is traced.
        or_traced: bool,
    },
}

/// The way of a version 1 or 2 function.
pub(super) fn way(function: &Function) -> Way {
    let bundler = function.config.node_bundler;
    match bundler {
        Some(Bundler::None) => Way::Alone,
        _ if function.api_version == Some(2) => Way::OwnBundled,
        Some(Bundler::Nft | Bundler::Zisi) => Way::Traced,
        // @netlify/build makes `esbuild_zisi` of what netlify.toml says.
        Some(Bundler::EsbuildZisi) => Way::Bundled { or_traced: true },
        Some(Bundler::Esbuild) => Way::Bundled { or_traced: is_said_in_toml(function) },
        None if stays_pure(function) => Way::Traced,
        None if matches!(function.main_file.extension(), "mjs" | "ts" | "tsx" | "mts" | "cts") => {
            Way::Bundled { or_traced: false }
        }
        None => Way::Traced,
    }
}

/// An `.mjs` that somebody wants to ship as it is.
fn stays_pure(function: &Function) -> bool {
    function.flags.pure_modules && function.main_file.extension() == "mjs"
}

fn is_said_in_toml(function: &Function) -> bool {
    let place = function.told.place("nodeBundler");
    place.is_some_and(|place| place.file().is_some_and(|file| file.extension() == "toml"))
}

/// ESM_FILE_FORMAT of a main file: its extension, else its package's `type`, else its syntax.
pub(super) fn input_format(main: &AbsPath, module: &Module) -> ModuleFormat {
    match main.extension() {
        "mjs" | "mts" => ModuleFormat::Esm,
        "cjs" | "cts" => ModuleFormat::Cjs,
        _ if module.is_called_module() || module.analysis.is_esm => ModuleFormat::Esm,
        _ => ModuleFormat::Cjs,
    }
}

/// What the platform loads. Version 1 functions are CommonJS unless their project is of ES modules.
pub(super) fn output_format(function: &Function, main: &AbsPath, graph: &Graph) -> ModuleFormat {
    let is_esm = match main.extension() {
        "cjs" | "cts" => false,
        "mjs" | "mts" if function.api_version == Some(2) => true,
        "mjs" if stays_pure(function) => true,
        "mjs" | "mts" | "js" | "ts" | "tsx" | "jsx" => project_is_module(main, graph),
        _ => false,
    };
    if is_esm { ModuleFormat::Esm } else { ModuleFormat::Cjs }
}

fn project_is_module(main: &AbsPath, graph: &Graph) -> bool {
    let package = main.parent().and_then(|directory| graph.store().nearest_package_json(&directory, graph.top()));
    package.is_some_and(|package| says_module(&graph.package(&package)))
}

/// The name of the way, as the peer would call it.
pub(super) fn name(function: &Function, way: Way, input: ModuleFormat) -> Bundler {
    match way {
        Way::Alone => Bundler::None,
        Way::OwnBundled => Bundler::Nft,
        Way::Bundled { .. } => Bundler::Esbuild,
        // What could not be bundled is traced as the peer's oldest bundler would.
        Way::Traced if !matches!(function.config.node_bundler, None | Some(Bundler::Nft)) => Bundler::Zisi,
        Way::Traced if function.flags.traced => Bundler::Nft,
        Way::Traced if function.config.node_bundler.is_none() && input == ModuleFormat::Cjs => Bundler::Zisi,
        Way::Traced => Bundler::Nft,
    }
}
