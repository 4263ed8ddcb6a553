//! Answers calls from cassettes: equal calls in their order, the last one again and again.

use std::collections::HashMap;

use super::{
    exchange::{Cassette, Exchange, ProviderAnswer},
    key::{Ignored, Key, NormalForm},
    nearest,
    redaction::Redactor,
};

/// The cassettes of all cases of a run.
#[derive(Debug, Default)]
pub(super) struct Player {
    entries: Vec<Stored>,
    by_key: HashMap<Key, Vec<usize>>,
    /// The next of equal calls, by who asks, the case that answers, and the call.
    next: HashMap<(String, usize, Key), usize>,
}

#[derive(Debug)]
struct Stored {
    case: usize,
    form: NormalForm,
    answer: ProviderAnswer,
}

impl Player {
    /// Adds the calls of a case. `redactor` is applied to them as to the calls that are answered: a cassette
    /// may have been written by something other than skillctl.
    pub(super) fn add(
        &mut self,
        case: usize,
        cassette: &Cassette,
        redactor: Redactor<'_>,
        ignored: &[Ignored],
    ) {
        for Exchange {
            request, answer, ..
        } in cassette.calls()
        {
            let form = NormalForm::of_request(&redactor.request(request), ignored);
            let index = self.entries.len();
            self.by_key.entry(form.key()).or_default().push(index);
            self.entries.push(Stored {
                case,
                form,
                answer: answer.clone(),
            });
        }
    }

    /// The answer to a call in its normal form. The cassette of `case` comes first; `caller` has its own
    /// place in a sequence of equal calls.
    ///
    /// # Errors
    /// Why there is none, with the nearest entry.
    pub(super) fn answer(
        &mut self,
        form: &NormalForm,
        key: Key,
        case: Option<usize>,
        caller: &str,
    ) -> Result<&ProviderAnswer, String> {
        let equal = self.by_key.get(&key).map_or(&[][..], Vec::as_slice);
        let of_case = |wanted: usize| -> Vec<usize> {
            let own = equal.iter().copied();
            own.filter(|index| self.entries[*index].case == wanted)
                .collect()
        };
        let mut sequence = case.map(of_case).unwrap_or_default();
        if sequence.is_empty()
            && let Some(first) = equal.first()
        {
            sequence = of_case(self.entries[*first].case);
        }
        let Some(last) = sequence.len().checked_sub(1) else {
            let forms = self.entries.iter().map(|entry| &entry.form);
            return Err(nearest::describe(form, forms));
        };
        let case = self.entries[sequence[0]].case;
        let next = self.next.entry((caller.to_owned(), case, key)).or_default();
        let index = sequence[(*next).min(last)];
        *next = next.saturating_add(1).min(last + 1);
        Ok(&self.entries[index].answer)
    }

    /// Forgets where a caller was in sequences of equal calls.
    pub(super) fn forget(&mut self, caller: &str) {
        self.next.retain(|(own, ..), _| own != caller);
    }
}
