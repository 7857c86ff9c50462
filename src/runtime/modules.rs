//! What becomes of a function's modules: they are traced, compiled, bundled. In: a function, its main file
//! and the graph. Out: the files that ship, and those that fnzip makes, by where they would stand. Adds
//! nothing that no module asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::javascript::trace_options;
use super::way::{Way, input_format, name, output_format, way};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::function::{Bundler, Function, NodeVersion};
use crate::js::addons::package_name;
use crate::js::assets::package_root;
use crate::js::bundle::{BundleOptions, Packages, bundle};
use crate::js::compile::{CompileOptions, compile};
use crate::js::graph::Graph;
use crate::js::outside::{native_packages, outside};
use crate::js::trace::{Inlined, Loading, Trace, TraceOptions, trace, trace_beside};
use crate::path::AbsPath;
use crate::plan::{BundledPackage, ModuleFormat};
use crate::settings::Settings;

/// What ships of a function's modules.
pub(super) struct Modules {
    /// Files on the disk, with those that went into what was made.
    pub(super) traced: Trace,
    /// Modules that are in a bundle.
    pub(super) inlined: BTreeSet<AbsPath>,
    /// Those that are an ES module where they run, and those in a bundle.
    pub(super) loaded_as_modules: BTreeSet<AbsPath>,
    /// Files of which something was made, and that do not ship themselves.
    pub(super) replaced: BTreeSet<AbsPath>,
    /// What was made, by where it stands.
    pub(super) made: BTreeMap<AbsPath, Arc<[u8]>>,
    /// Where the module stands that the platform loads.
    pub(super) main: AbsPath,
    /// What that is.
    pub(super) format: ModuleFormat,
    /// The name of the way.
    pub(super) bundler: Bundler,
    /// What places are relative to, if not what all have in common.
    pub(super) root: Option<AbsPath>,
    /// What is in a bundle, by package, in bytes.
    pub(super) bundled: BTreeMap<Option<String>, u64>,
    /// The packages among them.
    pub(super) bundled_packages: BTreeSet<BundledPackage>,
    /// Packages with native addons beside a bundle.
    pub(super) native: BTreeMap<String, BTreeMap<AbsPath, String>>,
    /// What the bundler had to say, and why it failed.
    pub(super) bundler_said: [Vec<Diagnostic>; 2],
    /// What is to be said.
    pub(super) said: Vec<Diagnostic>,
}

/// Traces, and compiles or bundles, from `main`, a real path.
///
/// # Errors
/// What is wrong with the modules, if nothing can be made of them.
pub(super) fn modules(
    function: &Function,
    main: &AbsPath,
    graph: &Arc<Graph>,
    settings: &Settings,
) -> Result<Modules, Vec<Diagnostic>> {
    let chosen = way(function);
    let mut work = Work { function, main, graph, settings, chosen, maps: settings.source_maps };
    work.maps |= function.config.node_sourcemap == Some(true);
    match chosen {
        Way::Alone | Way::Traced => Ok(work.traced(chosen)),
        Way::OwnBundled | Way::Bundled { or_traced: false } => work.bundled(),
        Way::Bundled { or_traced: true } => work.bundled().or_else(|errors| {
            let mut traced = work.traced(Way::Traced);
            traced.said.extend(errors.iter().cloned().map(as_warning));
            traced.bundler_said[1] = errors;
            Ok(traced)
        }),
    }
}

fn loaded_as_modules(traced: &Trace) -> BTreeSet<AbsPath> {
    let modules = traced.loaded.iter().filter(|(_, formats)| formats.contains(ModuleFormat::Esm));
    modules.map(|(path, _)| path.clone()).collect()
}

/// Why there is no bundle, where a trace will do.
fn as_warning(error: Diagnostic) -> Diagnostic {
    let message = format!("not bundled but traced: {}", error.message);
    let severity = error.severity.max(Severity::Warning);
    Diagnostic { severity, message, ..error }
}

struct Work<'a> {
    function: &'a Function,
    main: &'a AbsPath,
    graph: &'a Arc<Graph>,
    settings: &'a Settings,
    chosen: Way,
    maps: bool,
}

impl Work<'_> {
    /// Every module at its place.
    fn traced(&self, way: Way) -> Modules {
        let module = self.graph.module(self.main);
        let format = output_format(self.function, self.main, self.graph);
        // What `require()` can load stays an ES module, and so do all that it imports.
        let by_require = format == ModuleFormat::Cjs;
        let stays = by_require && self.function.node >= NodeVersion::REQUIRES_MODULES;
        let loaded = if stays { self.graph.format(self.main) } else { format };
        let loading = Loading { format: loaded, by_require, node: self.function.node };
        let options = self.trace_options(loading);
        let mut traced = trace(self.graph, std::slice::from_ref(&self.function.main_file), &options);
        let compiled = compile(self.graph, &traced, Some(self.main), self.compile_options(loaded));
        let is_rewritten = |path: &AbsPath| compiled.sources.contains(path);
        let is_moot =
            |said: &Diagnostic| said.code == Code::UnspecifiedExtension && said.path.as_ref().is_some_and(is_rewritten);
        traced.diagnostics.retain(|said| !is_moot(said));
        Modules {
            inlined: BTreeSet::new(),
            loaded_as_modules: loaded_as_modules(&traced),
            replaced: compiled.replaced,
            made: compiled.made,
            main: compiled.entry.unwrap_or_else(|| self.main.clone()),
            format,
            bundler: name(self.function, way, input_format(self.main, &module)),
            root: None,
            bundled: BTreeMap::new(),
            bundled_packages: BTreeSet::new(),
            native: BTreeMap::new(),
            bundler_said: Default::default(),
            said: compiled.diagnostics,
            traced,
        }
    }

    fn trace_options(&self, loading: Loading) -> TraceOptions {
        TraceOptions { loading: Some(loading), ..trace_options(self.function, self.settings) }
    }

    fn compile_options(&self, format: ModuleFormat) -> CompileOptions<'_> {
        let maps_from = self.maps.then_some(&self.settings.base);
        CompileOptions { format, node: self.function.node, maps_from }
    }

    /// The user's modules in one file, at the main file's place.
    fn bundled(&self) -> Result<Modules, Vec<Diagnostic>> {
        let module = self.graph.module(self.main);
        let format = output_format(self.function, self.main, self.graph);
        let options = self.trace_options(Loading { format, by_require: false, node: self.function.node });
        // What a bundle holds is what Node would import.
        let as_imported = TraceOptions { loading: None, ..options.clone() };
        let whole = trace(self.graph, std::slice::from_ref(&self.function.main_file), &as_imported);
        let is_broken = |said: &Diagnostic| {
            said.severity == Severity::Error && matches!(said.code, Code::Syntax | Code::Unreadable)
        };
        if whole.diagnostics.iter().any(is_broken) {
            return Err(whole.diagnostics);
        }
        let packages = match self.chosen {
            Way::OwnBundled => Packages::Beside,
            _ => Packages::Inside { except: outside(self.graph, &whole, self.main, &self.function.config) },
        };
        let native = match &packages {
            Packages::Inside { except } => native_packages(self.graph, except),
            Packages::Beside => BTreeMap::new(),
        };
        let extension = if format == ModuleFormat::Esm { "mjs" } else { "cjs" };
        let stem = self.main.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let output = format!("{stem}.{extension}");
        let mut asked = BundleOptions {
            format,
            node: self.function.node,
            trace: options.clone(),
            moved: BTreeMap::new(),
            packages,
            source_maps: self.maps,
            base: self.settings.base.clone(),
        };
        let mut bundled = bundle(self.graph, self.main, &output, &asked)?;
        let traced = trace_beside(self.graph, self.main, &bundled.inlined, &options);
        let beside = compile(self.graph, &traced, None, self.compile_options(format));
        let is_asked = |path: &AbsPath| {
            let reasons = traced.files.get(path).into_iter().flat_map(|file| &file.reasons);
            reasons.filter_map(|reason| reason.parent.as_ref()).any(|by| bundled.inlined.inputs.contains(by))
        };
        if beside.moved.keys().any(|(path, _)| is_asked(path)) {
            // Only now it is known where these are to be found; what they are has not changed.
            asked.moved = beside.moved;
            bundled = bundle(self.graph, self.main, &output, &asked)?;
        }
        let at = self.main.join("..").child(&output);
        let mut made = beside.made;
        if let Some(map) = bundled.map {
            made.insert(at.join("..").child(format!("{output}.map")), map.into_bytes().into());
        }
        made.insert(at.clone(), bundled.code.into_bytes().into());
        let is_version_2 = self.function.api_version == Some(2);
        let Inlined { inputs, .. } = bundled.inlined;
        Ok(Modules {
            loaded_as_modules: loaded_as_modules(&traced).union(&inputs).cloned().collect(),
            inlined: inputs,
            replaced: beside.replaced,
            made,
            main: at,
            format,
            bundler: name(self.function, self.chosen, input_format(self.main, &module)),
            root: (!is_version_2).then(|| self.settings.repository_root.clone()),
            bundled: by_package(&bundled.sizes),
            bundled_packages: packages_in(&bundled.sizes, self.graph),
            native,
            said: [bundled.diagnostics.clone(), beside.diagnostics].concat(),
            bundler_said: [bundled.diagnostics, Vec::new()],
            traced,
        })
    }
}

/// The packages that anything is left of.
fn packages_in(sizes: &BTreeMap<AbsPath, usize>, graph: &Graph) -> BTreeSet<BundledPackage> {
    let left = sizes.iter().filter(|(_, size)| **size > 0).map(|(path, _)| path);
    let roots: BTreeSet<AbsPath> = left.filter_map(package_root).collect();
    let package = |root: &AbsPath| {
        let said = graph.package(&root.child("package.json"));
        let said = said.as_ref().as_ref().ok()?;
        let name = said.name.clone().or_else(|| package_name(&root.child("package.json")))?;
        Some(BundledPackage { name, version: said.version.clone(), license: said.licence.clone() })
    };
    roots.iter().filter_map(package).collect()
}

fn by_package(sizes: &BTreeMap<AbsPath, usize>) -> BTreeMap<Option<String>, u64> {
    let mut packages: BTreeMap<Option<String>, u64> = BTreeMap::new();
    for (path, size) in sizes {
        *packages.entry(package_name(path)).or_default() += *size as u64;
    }
    packages
}
