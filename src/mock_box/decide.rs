//! The third step of a call: its body is read, and the state says what becomes of it.

use std::sync::Arc;

use jiff::Timestamp;
use smol_str::SmolStr;

use super::{
    answer::Answer,
    errors, files, folders,
    ids::Ids,
    instances, oauth,
    prepare::{Judged, Prepared},
    representations,
    request::Request,
    routes::Route,
    serve,
    state::{Change, State},
    tokens::Caller,
    uploads, users,
};
use crate::domain::{call::WriteRecord, metadata::instance::Instance, notice::Placed};

/// What becomes of a call.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What is answered, once the changes are written down.
    pub answer: Answer,
    /// What changes.
    pub changes: Vec<Change>,
    /// The file that the call was about, where only its body names it.
    pub file_id: Option<SmolStr>,
    /// The file that came into a folder by it.
    pub placed: Option<Box<Placed>>,
}

impl Decision {
    /// An answer that changes nothing.
    pub fn answer(answer: Answer) -> Self {
        Self {
            answer,
            changes: Vec::new(),
            file_id: None,
            placed: None,
        }
    }

    /// The records among the changes, where the call wrote metadata.
    pub fn records(&self) -> impl Iterator<Item = &Arc<WriteRecord>> {
        self.changes.iter().filter_map(Change::record)
    }

    /// About how many bytes are to be written down of it.
    pub fn weight(&self) -> usize {
        /// What stands around them.
        const AROUND: usize = 384;
        let texts = |record: &Arc<WriteRecord>| {
            let texts = [&record.patch, &record.usage].into_iter().flatten();
            AROUND
                + record.instance.as_ref().map_or(0, Instance::weight)
                + texts.map(|text| text.get().len()).sum::<usize>()
        };
        self.records().map(texts).sum()
    }
}

/// What every rule is given beside the request.
#[derive(Debug)]
pub struct Context<'a> {
    /// The state, not to be changed.
    pub state: &'a State,
    /// The call.
    pub request: &'a Request,
    /// Who makes it.
    pub caller: &'a Caller,
    /// The present moment.
    pub now: Timestamp,
    /// New ids.
    pub ids: &'a mut Ids,
}

/// Decides a call. Its token is looked up again: between its head and the end of its body it may
/// have been revoked, and the file been deleted.
pub fn decide(state: &State, prepared: Prepared<'_>, now: Timestamp, ids: &mut Ids) -> Decision {
    let Prepared {
        request,
        route,
        mut caller,
        body,
    } = prepared;
    caller.renew(state);
    if let Err(refusal) = caller.check(state, &route, now) {
        return Decision::answer(refusal);
    }
    let mut context = Context {
        state,
        request,
        caller: &caller,
        now,
        ids,
    };
    play(&mut context, &route, body).unwrap_or_else(Decision::answer)
}

fn play(context: &mut Context<'_>, route: &Route, body: Judged) -> Result<Decision, Answer> {
    match (route, body) {
        (Route::InstanceCreate(path), Judged::Fields(judged)) => {
            instances::create(context, path, judged)
        }
        (Route::Invocation(skill_id), Judged::Invocation(report)) => {
            instances::invocation(context, skill_id, report?)
        }
        (route, _) => change(context, route),
    }
}

/// The calls whose body, if they have one, is read here.
fn change(context: &mut Context<'_>, route: &Route) -> Result<Decision, Answer> {
    match route {
        Route::FileUpdate(id) => files::update(context, id),
        Route::FileDelete(id) => files::delete(context, id),
        Route::FileCopy(id) => files::copy(context, id),
        Route::Upload => uploads::create(context),
        Route::UploadVersion(id) => uploads::new_version_of(context, id),
        Route::InstancePatch(path) => instances::patch(context, path),
        Route::InstanceDelete(path) => instances::delete(context, path),
        Route::FolderCreate => folders::create(context),
        Route::TokenGrant => oauth::grant(context),
        Route::TokenRevoke => oauth::revoke(context),
        look => see(context, look).map(Decision::answer),
    }
}

/// The calls that change nothing.
fn see(context: &Context<'_>, route: &Route) -> Result<Answer, Answer> {
    match route {
        Route::FileInfo(id) => files::info(context, id),
        Route::FileVersions(id) => files::versions(context, id),
        Route::FileVersion(id, version_id) => files::one_version(context, id, version_id),
        Route::FileContent(id) => serve::content(context, id),
        Route::Bytes(ticket) => serve::bytes(context, ticket),
        Route::RepresentationInfo(path) => representations::info(context, path),
        Route::RepresentationContent(path) => representations::content(context, path),
        Route::InstanceList(id) => instances::list(context, id),
        Route::InstanceGet(path) => instances::get(context, path),
        Route::FolderInfo(id) => folders::info(context, id),
        Route::FolderItems(id) => folders::items(context, id),
        Route::Me => Ok(users::me(context)),
        Route::NotPlayed(missing) => Err(errors::not_played(missing.what)),
        changing => Err(errors::internal(format!("{changing:?} is no look"))),
    }
}
