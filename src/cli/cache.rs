//! `fnzip cache`.

use serde_json::json;

use super::args::{Cache, CacheAction};
use super::report::people::{People, bytes};
use super::{FAILURE, Failure, SUCCESS, print, print_json, resolve, working_directory};
use crate::cache::{self, Statistics};
use crate::fs::Disk;
use crate::store::Store;

pub(super) fn run(args: &Cache, people: &People) -> Result<u8, Failure> {
    let cwd = working_directory()?;
    let settings = resolve(&args.invocation(&cwd), &Store::new(Disk), people)?;
    let Some(cache) = settings.cache else {
        return Err(Failure::Call("netlify.toml says that there is no cache: `fnzip.cache`".into()));
    };
    let found = match args.action {
        CacheAction::Stats => cache::statistics(&cache.directory),
        CacheAction::Verify => cache::verify(&cache.directory),
        CacheAction::Clear => {
            let found = cache::statistics(&cache.directory);
            cache::clear(&cache.directory)?;
            found
        }
    };
    let Statistics { builds, packs, entries, records, size, damaged } = found;
    if args.json {
        let directory = cache.directory.to_string();
        print_json(&json!({
            "directory": directory, "limit": cache.size, "size": size, "entries": entries, "packs": packs,
            "records": records, "builds": builds, "damaged": damaged,
        }))?;
    } else {
        let sum = format!("{} of {}, {entries} entries", bytes(size), bytes(cache.size));
        let (done, rest) = match (args.action, damaged) {
            (CacheAction::Clear, _) => ("emptied: ", String::new()),
            (CacheAction::Verify, 0) => ("", ", all as they were written".to_owned()),
            (CacheAction::Verify, _) => ("", format!(", {damaged} damaged files removed")),
            (CacheAction::Stats, 0) => ("", String::new()),
            (CacheAction::Stats, _) => ("", format!(", {damaged} damaged files")),
        };
        print(&format!("{}\n{done}{sum}{rest}", cache.directory))?;
    }
    let is_wrong = args.action == CacheAction::Verify && damaged > 0;
    Ok(if is_wrong { FAILURE } else { SUCCESS })
}
