//! The host as a plugin of rolldown. Every module is found and loaded here, so that rolldown's own resolver and file
//! system are never asked.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nodejs_built_in_modules::is_nodejs_builtin_module;
use rolldown::ModuleType;
use rolldown::plugin::{
    HookLoadArgs, HookLoadOutput, HookLoadReturn, HookNoopReturn, HookResolveIdArgs, HookResolveIdOutput,
    HookResolveIdReturn, HookUsage, Plugin, PluginContext, SharedLoadPluginContext,
};
use rolldown_common::side_effects::HookSideEffects;
use rolldown_common::{ImportKind, ModuleInfo, NormalModule};

use crate::bundle::Maps;
use crate::configure::ENTRY;
use crate::directive::is_strict;
use crate::host::{Content, Dialect, Host, Kind, Resolved, Source};
use crate::ids::Ids;
use crate::{Code, Failure, Format, Options, source_map, wasm};

/// The host, and what is remembered of its answers.
pub(crate) struct HostPlugin {
    host: Arc<dyn Host>,
    options: Options,
    maps: Maps,
    ids: Arc<Ids>,
    memory: Mutex<Memory>,
}

/// What is known of the modules so far.
#[derive(Default)]
struct Memory {
    /// Loaded to learn the dialect, which is part of a module's name, and not yet asked for by rolldown.
    waiting: HashMap<String, Source>,
    inputs: BTreeSet<PathBuf>,
    wasm: BTreeSet<PathBuf>,
    modes: HashMap<String, Mode>,
    failures: Vec<Failure>,
    commonjs_entry: bool,
}

/// The mode of a CommonJS module, which may be either; ES modules are strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Strict,
    Sloppy,
}

impl HostPlugin {
    pub(crate) fn new(host: Arc<dyn Host>, options: Options, maps: Maps, ids: Arc<Ids>) -> Self {
        Self { host, options, maps, ids, memory: Mutex::default() }
    }

    /// Every file that was loaded.
    pub(crate) fn inputs(&self) -> Vec<PathBuf> {
        self.memory().inputs.iter().cloned().collect()
    }

    /// What the host could not load, in our words.
    pub(crate) fn failures(&self) -> Vec<Failure> {
        self.memory().failures.clone()
    }

    /// Whether the entry is CommonJS.
    pub(crate) fn commonjs_entry(&self) -> bool {
        self.memory().commonjs_entry
    }

    /// The mode of a module, by its name in rolldown, if it is CommonJS.
    pub(crate) fn mode(&self, id: &str) -> Option<Mode> {
        self.memory().modes.get(id).copied()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entry, or a module around it.
    fn entry(&self) -> HookResolveIdOutput {
        let file = self.file(&self.options.entry);
        match (self.mode(&file.id), self.options.format) {
            // An ES module that gives names to what CommonJS exports.
            (Some(_), Format::Esm) if !self.options.commonjs_names.is_empty() => {
                HookResolveIdOutput::from_id(format!("{ENTRY}.mjs"))
            }
            // rolldown lays CommonJS that is an entry out at the top of the output, where its mode would be that of all
            // the others. Sloppy mode is nothing that could spread.
            (Some(Mode::Strict), Format::Cjs) => HookResolveIdOutput::from_id(format!("{ENTRY}.cjs")),
            _ => file,
        }
    }

    /// A file, by the name that its content gives it.
    fn file(&self, path: &Path) -> HookResolveIdOutput {
        if let Some(id) = self.ids.known(path) {
            return HookResolveIdOutput::from_id(id);
        }
        let source = self.host.load(path).unwrap_or_else(|reason| {
            let message = format!("could not load `{}`: {reason}", self.ids.relative(path));
            let failure = Failure { file: Some(path.to_owned()), ..Failure::new(Code::Load, message) };
            self.memory().failures.push(failure);
            // The bundle has failed; the rest is only looked at to find more that is wrong. CommonJS exports anything.
            let (text, dialect) = (String::new(), Dialect::CommonJs);
            Source { content: Content::JavaScript { text, dialect, map: None }, side_effects: None }
        });
        let id = self.ids.name(path, &source.content);
        let mut memory = self.memory();
        memory.inputs.insert(path.to_owned());
        match &source.content {
            Content::JavaScript { text, dialect: Dialect::CommonJs, .. } => {
                let mode = if is_strict(text) { Mode::Strict } else { Mode::Sloppy };
                memory.modes.insert(id.clone(), mode);
            }
            Content::Wasm(_) => drop(memory.wasm.insert(path.to_owned())),
            _ => {}
        }
        memory.waiting.insert(id.clone(), source);
        HookResolveIdOutput::from_id(id)
    }

    /// What the output asks for by itself.
    fn external(specifier: &str, unused_is_gone: bool) -> HookResolveIdOutput {
        HookResolveIdOutput {
            id: specifier.into(),
            external: Some(true.into()),
            side_effects: unused_is_gone.then_some(HookSideEffects::False),
            ..HookResolveIdOutput::default()
        }
    }

    /// The module around the entry.
    fn around_entry(&self) -> String {
        let entry = self.ids.known(&self.options.entry).unwrap_or_default();
        let entry = serde_json::Value::String(entry);
        if self.options.format == Format::Cjs {
            return format!("module.exports = require({entry});\n");
        }
        let names: BTreeSet<_> = self.options.commonjs_names.iter().filter(|name| *name != "default").collect();
        let exports = names.into_iter().enumerate().map(|(index, name)| {
            let name = serde_json::Value::String(name.clone());
            format!("const name{index} = entry?.[{name}];\nexport {{ name{index} as {name} }};\n")
        });
        format!("import entry from {entry};\nexport default entry;\n{}", exports.collect::<String>())
    }

    /// A file as rolldown takes it.
    fn content(&self, path: &Path, content: Content) -> Result<HookLoadOutput, Failure> {
        let broken = |message| Failure { file: Some(path.to_owned()), ..Failure::new(Code::Syntax, message) };
        let (code, module_type, map) = match content {
            Content::JavaScript { text, map, .. } => {
                let wanted = map.filter(|_| self.options.source_maps && self.maps == Maps::AsAsked);
                let map = wanted.map(|map| source_map::encode(&map, path, &self.ids)).transpose().map_err(broken)?;
                (text, ModuleType::Js, map)
            }
            Content::Json(text) => (text, ModuleType::Json, None),
            Content::Text(text) => (text, ModuleType::Text, None),
            Content::Wasm(bytes) => (wasm::instance(&bytes).map_err(broken)?, ModuleType::Js, None),
            Content::Bytes(bytes) => (wasm::bytes(&bytes), ModuleType::Js, None),
        };
        Ok(HookLoadOutput { code: code.into(), map, side_effects: None, module_type: Some(module_type) })
    }
}

impl fmt::Debug for HostPlugin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HostPlugin")
    }
}

impl Plugin for HostPlugin {
    fn name(&self) -> Cow<'static, str> {
        "host".into()
    }

    fn register_hook_usage(&self) -> HookUsage {
        HookUsage::ResolveId | HookUsage::Load | HookUsage::ModuleParsed
    }

    async fn resolve_id(&self, _: &PluginContext, asked: &HookResolveIdArgs<'_>) -> HookResolveIdReturn {
        let Some(importer) = asked.importer else { return Ok(Some(self.entry())) };
        let Some(importer) = self.ids.path(importer) else {
            // The module around the entry names it as rolldown knows it; rolldown's own runtime asks for `node:module`.
            let known = self.ids.path(asked.specifier);
            return Ok(Some(match known {
                Some(path) => self.file(&path),
                None => Self::external(asked.specifier, true),
            }));
        };
        let kind = match asked.kind {
            ImportKind::Require => Kind::Require,
            ImportKind::DynamicImport => Kind::DynamicImport,
            _ => Kind::Import,
        };
        // What an instance of WebAssembly wants is not wanted by who only imports the module.
        let from_wasm = self.memory().wasm.contains(&importer);
        Ok(Some(match self.host.resolve(asked.specifier, &importer, kind) {
            Resolved::File(path) => self.file(&path),
            Resolved::External(specifier) => {
                Self::external(&specifier, from_wasm || is_nodejs_builtin_module(&specifier))
            }
            Resolved::Missing => {
                Self::external(asked.specifier, from_wasm || is_nodejs_builtin_module(asked.specifier))
            }
        }))
    }

    async fn load(&self, _: SharedLoadPluginContext, asked: &HookLoadArgs<'_>) -> HookLoadReturn {
        if asked.id.starts_with(ENTRY) {
            let (code, module_type) = (self.around_entry().into(), Some(ModuleType::Js));
            return Ok(Some(HookLoadOutput { code, module_type, ..HookLoadOutput::default() }));
        }
        let waiting = self.memory().waiting.remove(asked.id);
        // rolldown's own modules are in nobody's table.
        let Some(source) = waiting else { return Ok(None) };
        let path = self.ids.path(asked.id).unwrap_or_default();
        let output = self.content(&path, source.content).unwrap_or_else(|failure| {
            self.memory().failures.push(failure);
            HookLoadOutput { module_type: Some(ModuleType::Empty), ..HookLoadOutput::default() }
        });
        let side_effects =
            source.side_effects.map(|it| if it { HookSideEffects::True } else { HookSideEffects::False });
        Ok(Some(HookLoadOutput { side_effects, ..output }))
    }

    async fn module_parsed(&self, _: &PluginContext, _: Arc<ModuleInfo>, module: &NormalModule) -> HookNoopReturn {
        // An entry with `import` and `exports` is CommonJS for rolldown, whatever the host called it.
        if self.ids.known(&self.options.entry).is_some_and(|id| id == module.id.as_str()) {
            self.memory().commonjs_entry = module.exports_kind.is_commonjs();
        }
        Ok(())
    }
}
