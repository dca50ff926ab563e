//! What is asked of a script that decides about requests, and what it may answer. Whatever it returns by mistake is a
//! failure and never a yes: truth is told by identity, so that 1 is not True.
#![forbid(unsafe_code)]

use super::script::{Failed, Script, Scripts, Wanted};
use crate::python::{Exc, Gil, Object, Raised, Result, raise};
use crate::wsgi::Answer;
use wsgi_core_abi::{Bytes, MessageId, Question, Request, Verdict};

/// A question, and everything that is needed to ask it.
pub struct Asked<'a> {
    /// The attached thread.
    pub gil: Gil<'a>,
    /// The request, with the question in it.
    pub request: &'a Request<'a>,
    /// What the functions see of it.
    pub environ: &'a Object,
    /// The scripts of the interpreter.
    pub scripts: &'a Scripts,
    /// The one that is asked.
    pub script: &'a Script,
    /// How it was asked for.
    pub wanted: &'a Wanted<'a>,
}

type Answered = std::result::Result<Answer, Failed>;

impl Asked<'_> {
    /// Asks.
    pub fn answer(&self) -> Answered {
        let [first, second] = self.request.arguments;
        match self.request.question {
            Question::PASSWORD => {
                let result = self.call("check_password", &[first, second])?;
                self.decision("check_password", &result, |value| self.name(value))
            }
            Question::REALM_HASH => {
                let result = self.call("get_realm_hash", &[first, second])?;
                self.hash(&result)
            }
            Question::GROUPS => {
                let result = self.call("groups_for_user", &[first])?;
                self.groups(&result, second)
            }
            Question::ACCESS => {
                let result = self.call("allow_access", &[first])?;
                self.decision("allow_access", &result, |_| Ok(None))
            }
            Question::DISPATCH => self.dispatch(),
            _ => Err(Failed(MessageId::STATE)),
        }
    }

    /// Calls a function that must be there.
    fn call(&self, name: &str, arguments: &[Bytes<'_>]) -> std::result::Result<Object, Failed> {
        let function =
            self.scripts
                .callable(self.gil, self.script, self.wanted, name.as_bytes())?;
        let call = || -> Result<Object> {
            let text = |bytes: &Bytes<'_>| Object::latin1(self.gil, bytes.as_slice());
            match arguments {
                [first, second] => function.call([self.environ, &text(first)?, &text(second)?]),
                [first] => function.call([self.environ, &text(first)?]),
                _ => function.call([self.environ]),
            }
        };
        call().map_err(|Raised| self.raised())
    }

    fn raised(&self) -> Failed {
        let id = MessageId::DECIDER_RAISED;
        self.scripts.report(self.gil, id, self.wanted);
        Failed(id)
    }

    /// The function returned what it must not.
    fn wrong(&self, name: &str, value: &Object) -> Failed {
        let class = value.type_name();
        let what = format!("returned from {name}() what is no answer: an object of type {class}");
        self.scripts
            .complain(self.gil, MessageId::DECIDER_ANSWER, self.wanted, &what)
    }

    /// True, False or None, or what else `text` takes for a yes.
    fn decision(
        &self,
        function: &str,
        result: &Object,
        text: impl FnOnce(&Object) -> Result<Option<Vec<u8>>>,
    ) -> Answered {
        let is = |value: bool| result.is(&Object::bool(self.gil, value));
        let (verdict, value) = if is(true) {
            (Verdict::GRANTED, None)
        } else if is(false) {
            (Verdict::DENIED, None)
        } else if result.is_none() {
            (Verdict::UNKNOWN, None)
        } else {
            let text = text(result).map_err(|Raised| self.raised())?;
            let text = text.filter(|text| !text.is_empty());
            let text = text.ok_or_else(|| self.wrong(function, result))?;
            (Verdict::GRANTED, Some(text))
        };
        Ok(Answer {
            verdict,
            values: vec![value],
        })
    }

    /// The name that a user is to have.
    fn name(&self, value: &Object) -> Result<Option<Vec<u8>>> {
        if !value.is_str() {
            return Ok(None);
        }
        let name = value.as_text()?.as_bytes();
        if name.contains(&0) {
            return Err(raise(
                self.gil,
                Exc::Value,
                "the name of a user has a NUL in it",
            ));
        }
        Ok(Some(name.to_vec()))
    }

    fn hash(&self, result: &Object) -> Answered {
        if result.is_none() {
            return Ok(Answer {
                verdict: Verdict::UNKNOWN,
                values: Vec::new(),
            });
        }
        let encode = || -> Result<Option<Vec<u8>>> {
            if !result.is_str() {
                return Ok(result.as_bytes().map(<[u8]>::to_vec));
            }
            let latin1 = Object::text(self.gil, "latin-1")?;
            let bytes = result.call_method(c"encode", [&latin1])?;
            Ok(bytes.as_bytes().map(<[u8]>::to_vec))
        };
        let hash = encode().map_err(|Raised| self.raised())?;
        let hash = hash.filter(|hash| !hash.is_empty() && !hash.contains(&0));
        let hash = hash.ok_or_else(|| self.wrong("get_realm_hash", result))?;
        Ok(Answer {
            verdict: Verdict::GRANTED,
            values: vec![Some(hash)],
        })
    }

    /// Whether one of the groups is among those wanted, each of which has a NUL after it.
    fn groups(&self, result: &Object, wanted: Bytes<'_>) -> Answered {
        const NAME: &str = "groups_for_user";
        // Its characters would be taken for names.
        if result.is_str() || result.as_bytes().is_some() {
            return Err(self.wrong(NAME, result));
        }
        let wanted: Vec<&[u8]> = wanted.as_slice().split(|byte| *byte == 0).collect();
        let wanted = &wanted[..wanted.len() - 1];
        let raised = |Raised| self.raised();
        let items = result.iter().map_err(raised)?;
        let mut verdict = Verdict::DENIED;
        while let Some(item) = items.next().map_err(raised)? {
            let group = match item.as_bytes() {
                Some(group) => group,
                None if item.is_str() => item.as_text().map_err(raised)?.as_bytes(),
                None => return Err(self.wrong(NAME, &item)),
            };
            if wanted.contains(&group) {
                verdict = Verdict::GRANTED;
            }
        }
        Ok(Answer {
            verdict,
            values: Vec::new(),
        })
    }

    /// What the functions say that are there.
    fn dispatch(&self) -> Answered {
        let mut values = Vec::with_capacity(3);
        for name in ["process_group", "application_group", "callable_object"] {
            let value = match self.scripts.global(self.gil, self.script, name) {
                None => None,
                Some(_) => self.name_of(name, &self.call(name, &[])?)?,
            };
            values.push(value);
        }
        Ok(Answer {
            verdict: Verdict::GRANTED,
            values,
        })
    }

    fn name_of(
        &self,
        function: &str,
        value: &Object,
    ) -> std::result::Result<Option<Vec<u8>>, Failed> {
        if value.is_none() {
            return Ok(None);
        }
        let name = match value.as_bytes() {
            Some(name) => name,
            None if value.is_str() => value.as_text().map_err(|Raised| self.raised())?.as_bytes(),
            None => return Err(self.wrong(function, value)),
        };
        if name.contains(&0) {
            return Err(self.wrong(function, value));
        }
        Ok(Some(name.to_vec()))
    }
}
