//! `fnzip sbom`.

use std::sync::Arc;

use serde_json::Value;

use super::args::Sbom;
use super::report::people::People;
use super::{FAILURE, Failure, SUCCESS, print_json, resolve, working_directory};
use crate::archive::write_file;
use crate::fs::Disk;
use crate::path::AbsPath;
use crate::sbom::{Locks, sbom};
use crate::store::Store;

pub(super) fn run(args: &Sbom, people: &People) -> Result<u8, Failure> {
    let cwd = working_directory()?;
    let store = Arc::new(Store::new(Disk));
    let settings = resolve(&args.invocation(&cwd), &store, people)?;
    if !store.is_dir(&settings.out) {
        return Err(Failure::Call(format!("{}: there is no such directory", settings.out)));
    }
    let locks = Locks::read(&[settings.base.clone(), settings.repository_root.clone()], &store);
    let site = settings.base.name().to_owned();
    let found = sbom(&args.built.place(&settings), &site, &locks, &store);
    people.diagnostics(&found.diagnostics.iter().collect::<Vec<_>>(), &cwd)?;
    if let Some(directory) = &args.dir {
        let directory = AbsPath::resolve(&cwd, directory);
        std::fs::create_dir_all(&*directory)?;
        write(&directory.child("site.cdx.json"), &found.site)?;
        for (name, document) in &found.functions {
            write(&directory.child(format!("function-{name}.cdx.json")), document)?;
        }
    } else if let Some(name) = &args.function {
        let document = found.functions.get(name);
        print_json(document.ok_or_else(|| Failure::Call(format!("there is no function `{name}`")))?)?;
    } else {
        print_json(&found.site)?;
    }
    Ok(if found.diagnostics.is_empty() { SUCCESS } else { FAILURE })
}

fn write(path: &AbsPath, document: &Value) -> Result<(), Failure> {
    let mut text = serde_json::to_vec_pretty(document).map_err(std::io::Error::from)?;
    text.push(b'\n');
    Ok(write_file(path, &text)?)
}
