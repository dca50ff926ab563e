//! What a script may ask about the TLS of a request's connection. Only the server's own processes know more than whether
//! there is any.

use super::transaction::{Ended, Transaction};
use super::types::Types;
use crate::python::class::{Args, BoundMethod, Class, Method, bind, method};
use crate::python::{Exc, Gil, Object, Raised, Result, raise};
use std::sync::{Arc, OnceLock};
use wsgi_core_abi::Exchange;

/// The object that `mod_ssl.is_https` and `mod_ssl.var_lookup` are bound to, for scripts that decide about requests.
pub struct Ssl {
    transaction: Arc<Transaction>,
}

impl Class for Ssl {
    const NAME: &'static std::ffi::CStr = c"mod_wsgi.SSL";

    fn methods() -> Vec<Method> {
        Vec::new()
    }
}

impl Ssl {
    /// Puts both functions into an environ.
    pub fn add(
        gil: Gil<'_>,
        types: &Types,
        transaction: &Arc<Transaction>,
        environ: &Object,
    ) -> Result<()> {
        static IS_HTTPS: OnceLock<BoundMethod> = OnceLock::new();
        static VAR_LOOKUP: OnceLock<BoundMethod> = OnceLock::new();
        let is_https =
            IS_HTTPS.get_or_init(|| BoundMethod::new(method!(Ssl, c"ssl_is_https", Ssl::is_https)));
        let var_lookup = VAR_LOOKUP
            .get_or_init(|| BoundMethod::new(method!(Ssl, c"ssl_var_lookup", Ssl::var_lookup)));
        let transaction = Arc::clone(transaction);
        let this = types.ssl.instantiate(gil, Self { transaction })?;
        environ.set_item_text(c"mod_ssl.is_https", &bind(gil, is_https, &this)?)?;
        environ.set_item_text(c"mod_ssl.var_lookup", &bind(gil, var_lookup, &this)?)
    }

    fn is_https(&self, gil: Gil<'_>, args: &Args<'_>) -> Result<Object> {
        is_https(gil, &self.transaction, args)
    }

    fn var_lookup(&self, gil: Gil<'_>, args: &Args<'_>) -> Result<Object> {
        var_lookup(gil, &self.transaction, args)
    }
}

/// `ssl_is_https()`: 1 where `wsgi.url_scheme` is `https`, else 0.
pub fn is_https(gil: Gil<'_>, transaction: &Transaction, args: &Args<'_>) -> Result<Object> {
    args.between(gil, "ssl_is_https", 0, 0)?;
    if transaction.is_over() {
        return Err(over(gil));
    }
    Object::int(gil, i64::from(transaction.is_https()))
}

/// `ssl_var_lookup(name)`: what mod_ssl has under a name, or None.
pub fn var_lookup(gil: Gil<'_>, transaction: &Transaction, args: &Args<'_>) -> Result<Object> {
    let name = name(gil, &args.required(gil, "ssl_var_lookup")?)?;
    let look_up = |exchange: &mut wsgi_core_abi::RawExchange<'static>| {
        exchange.ssl_variable(&name).map(<[u8]>::to_vec)
    };
    match transaction.with_exchange(gil, look_up) {
        Ok(Some(value)) => Object::latin1(gil, &value),
        Ok(None) => Ok(Object::none(gil)),
        Err(Ended) => Err(over(gil)),
    }
}

fn name(gil: Gil<'_>, value: &Object) -> Result<Vec<u8>> {
    if let Some(bytes) = value.as_bytes() {
        return Ok(bytes.to_vec());
    }
    if !value.is_str() {
        let found = value.type_name();
        let message = format!("the name of a variable must be str or bytes, not {found}");
        return Err(raise(gil, Exc::Type, &message));
    }
    let mut name = Vec::new();
    value.append_latin1(&mut name)?;
    Ok(name)
}

fn over(gil: Gil<'_>) -> Raised {
    raise(
        gil,
        Exc::Runtime,
        "connection looked at after its request ended",
    )
}
