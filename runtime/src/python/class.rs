//! Heap types whose instances hold a Rust value.
//!
//! Types are made from a spec, once per interpreter, because static types are shared between
//! interpreters and leak objects across them (PEP 630). Unsafe: the C functions of a type get raw
//! pointers from CPython, whose types were checked by it before the call.

use super::error::{Exc, Raised, Result, raise};
use super::gil::Gil;
use super::object::Object;
use pyo3_ffi as ffi;
use std::ffi::{CStr, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A Rust value that lives in Python objects. Without a GIL, several threads use it at once.
pub trait Class: Sized + Send + Sync + 'static {
    /// Qualified name, such as `mod_wsgi.Input`.
    const NAME: &'static CStr;
    /// Methods, positional arguments only; made with [`method!`].
    fn methods() -> Vec<Method>;
    /// Attributes computed by a function; made with [`attribute!`].
    fn attributes() -> Vec<Attribute> {
        Vec::new()
    }
    /// `__next__`, for types that iterate over themselves.
    const NEXT: Option<NextFunction> = None;
}

/// The C function behind `__next__`.
pub type NextFunction = ffi::iternextfunc;
/// One method.
pub struct Method(pub ffi::PyMethodDef);
/// One computed attribute.
pub struct Attribute(pub ffi::PyGetSetDef);

#[repr(C)]
struct Instance<T> {
    base: ffi::PyObject,
    value: T,
}

/// Defines a method of a class: name and a function `fn(&T, Gil, &Args) -> Result<Object>`.
macro_rules! method {
    ($class:ty, $name:literal, $function:path) => {{
        unsafe extern "C" fn shim(
            this: *mut pyo3_ffi::PyObject,
            args: *mut *mut pyo3_ffi::PyObject,
            count: pyo3_ffi::Py_ssize_t,
        ) -> *mut pyo3_ffi::PyObject {
            // SAFETY: CPython calls a method with an instance of its type and `count` arguments.
            unsafe { $crate::python::class::enter::<$class>(this, args, count, $function) }
        }
        $crate::python::class::Method::new($name, shim)
    }};
}
pub(crate) use method;

/// Defines an attribute of a class: name and a function `fn(&T, Gil, &Args) -> Result<Object>`.
macro_rules! attribute {
    ($class:ty, $name:literal, $function:path) => {{
        unsafe extern "C" fn shim(
            this: *mut pyo3_ffi::PyObject,
            _: *mut std::ffi::c_void,
        ) -> *mut pyo3_ffi::PyObject {
            // SAFETY: CPython calls a getter with an instance of its type.
            unsafe { $crate::python::class::enter::<$class>(this, std::ptr::null(), 0, $function) }
        }
        $crate::python::class::Attribute::new($name, shim)
    }};
}
pub(crate) use attribute;

/// Defines the `__next__` of a class: a function `fn(&T, Gil) -> Result<Option<Object>>`.
macro_rules! next {
    ($class:ty, $function:path) => {{
        unsafe extern "C" fn shim(this: *mut pyo3_ffi::PyObject) -> *mut pyo3_ffi::PyObject {
            // SAFETY: CPython calls tp_iternext with an instance of its type.
            unsafe { $crate::python::class::enter_next::<$class>(this, $function) }
        }
        shim
    }};
}
pub(crate) use next;

impl Method {
    /// A method taking positional arguments.
    pub fn new(name: &'static CStr, function: ffi::PyCFunctionFast) -> Self {
        Self(ffi::PyMethodDef {
            ml_name: name.as_ptr(),
            ml_meth: ffi::PyMethodDefPointer {
                PyCFunctionFast: function,
            },
            ml_flags: ffi::METH_FASTCALL,
            ml_doc: std::ptr::null(),
        })
    }
}

impl Attribute {
    /// A read-only attribute.
    pub fn new(name: &'static CStr, function: ffi::getter) -> Self {
        Self(ffi::PyGetSetDef {
            name: name.as_ptr(),
            get: Some(function),
            set: None,
            doc: std::ptr::null(),
            closure: std::ptr::null_mut(),
        })
    }
}

/// The instance and the positional arguments of a call, borrowed for it.
pub struct Args<'a> {
    this: *mut ffi::PyObject,
    args: &'a [*mut ffi::PyObject],
}

impl Args<'_> {
    /// The object that the method was called on.
    pub fn this(&self) -> Result<Object> {
        // SAFETY: CPython keeps the instance alive for the call; attached.
        unsafe { Object::from_borrowed(self.this) }
    }

    /// The only argument, or `None`; TypeError when there are more.
    pub fn optional(&self, gil: Gil<'_>, name: &str) -> Result<Option<Object>> {
        self.between(gil, name, 0, 1)?;
        Ok(self.get(0))
    }

    /// The only argument; TypeError otherwise.
    pub fn required(&self, gil: Gil<'_>, name: &str) -> Result<Object> {
        self.between(gil, name, 1, 1)?;
        self.get(0).ok_or(Raised)
    }

    /// TypeError unless there are `least` to `most` arguments.
    pub fn between(&self, gil: Gil<'_>, name: &str, least: usize, most: usize) -> Result<()> {
        if (least..=most).contains(&self.args.len()) {
            return Ok(());
        }
        let count = if least == most {
            format!("exactly {least}")
        } else {
            format!("from {least} to {most}")
        };
        let got = self.args.len();
        let message = format!("{name}() takes {count} positional arguments ({got} given)");
        Err(raise(gil, Exc::Type, &message))
    }

    /// The argument at `index`.
    pub fn get(&self, index: usize) -> Option<Object> {
        let pointer = *self.args.get(index)?;
        // SAFETY: CPython keeps the arguments alive for the call; attached.
        unsafe { Object::from_borrowed(pointer).ok() }
    }
}

/// Runs a method. A panic in it becomes a SystemError, so that it costs one call and not the process.
///
/// # Safety
/// `this` is an instance of `T`'s type, `args` has `count` live objects, the thread is attached.
pub unsafe fn enter<T: Class>(
    this: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    function: fn(&T, Gil<'_>, &Args<'_>) -> Result<Object>,
) -> *mut ffi::PyObject {
    // SAFETY: the caller's promises.
    let (gil, value, args) = unsafe {
        let args = if count == 0 {
            &[]
        } else {
            std::slice::from_raw_parts(args, count as usize)
        };
        (
            Gil::assume(),
            &(*this.cast::<Instance<T>>()).value,
            Args { this, args },
        )
    };
    let result = catch_unwind(AssertUnwindSafe(|| function(value, gil, &args)));
    match result.unwrap_or_else(|_| Err(raise(gil, Exc::System, "bug in the WSGI runtime"))) {
        Ok(object) => object.into_ptr(),
        Err(Raised) => std::ptr::null_mut(),
    }
}

/// Runs `__next__`; null without an exception is the end.
///
/// # Safety
/// As for [`enter`].
pub unsafe fn enter_next<T: Class>(
    this: *mut ffi::PyObject,
    function: fn(&T, Gil<'_>) -> Result<Option<Object>>,
) -> *mut ffi::PyObject {
    // SAFETY: the caller's promises.
    let (gil, value) = unsafe { (Gil::assume(), &(*this.cast::<Instance<T>>()).value) };
    let result = catch_unwind(AssertUnwindSafe(|| function(value, gil)));
    match result.unwrap_or_else(|_| Err(raise(gil, Exc::System, "bug in the WSGI runtime"))) {
        Ok(Some(object)) => object.into_ptr(),
        Ok(None) | Err(Raised) => std::ptr::null_mut(),
    }
}

unsafe extern "C" fn dealloc<T>(this: *mut ffi::PyObject) {
    // SAFETY: called once by CPython with the last reference; the type of an instance of a heap type
    // is owned by it and released after the memory.
    unsafe {
        let class = ffi::Py_TYPE(this);
        std::ptr::drop_in_place(&raw mut (*this.cast::<Instance<T>>()).value);
        if let Some(free) = (*class).tp_free {
            free(this.cast());
        }
        ffi::Py_DECREF(class.cast());
    }
}

/// A heap type of one interpreter, for instances of `T`.
pub struct Type<T> {
    class: Object,
    value: std::marker::PhantomData<fn(T)>,
}

impl<T: Class> Type<T> {
    /// Makes the type in the interpreter that this thread is attached to.
    pub fn new(_: Gil<'_>) -> Result<Self> {
        // The tables are referred to by the type for its whole life, which is the process's.
        let mut methods: Vec<_> = T::methods().into_iter().map(|method| method.0).collect();
        methods.push(ffi::PyMethodDef::zeroed());
        let mut attributes: Vec<_> = T::attributes().into_iter().map(|attr| attr.0).collect();
        attributes.push(ffi::PyGetSetDef::default());
        let slot = |slot: c_int, pfunc: *mut c_void| ffi::PyType_Slot { slot, pfunc };
        let mut slots = vec![
            slot(ffi::Py_tp_dealloc, dealloc::<T> as *mut c_void),
            slot(ffi::Py_tp_methods, methods.leak().as_mut_ptr().cast()),
            slot(ffi::Py_tp_getset, attributes.leak().as_mut_ptr().cast()),
        ];
        if let Some(next) = T::NEXT {
            slots.push(slot(ffi::Py_tp_iter, ffi::PyObject_SelfIter as *mut c_void));
            slots.push(slot(ffi::Py_tp_iternext, next as *mut c_void));
        }
        slots.push(slot(0, std::ptr::null_mut()));
        let mut spec = ffi::PyType_Spec {
            name: T::NAME.as_ptr(),
            basicsize: size_of::<Instance<T>>() as c_int,
            itemsize: 0,
            flags: (ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_DISALLOW_INSTANTIATION) as u32,
            slots: slots.as_mut_ptr(),
        };
        // SAFETY: attached; the spec is valid for the call and what it refers to is leaked or static.
        let class = unsafe { Object::from_owned(ffi::PyType_FromSpec(&raw mut spec)) }?;
        Ok(Self {
            class,
            value: std::marker::PhantomData,
        })
    }

    /// The type object.
    pub fn class(&self) -> &Object {
        &self.class
    }

    /// A new instance holding `value`.
    pub fn instantiate(&self, _: Gil<'_>, value: T) -> Result<Object> {
        let class = self.class.as_ptr().cast::<ffi::PyTypeObject>();
        // SAFETY: attached; tp_alloc gives zeroed memory of the type's basicsize with its header
        // initialised, and the value is written before anybody else sees the object.
        unsafe {
            let object = Object::from_owned(ffi::PyType_GenericAlloc(class, 0))?;
            std::ptr::write(
                &raw mut (*object.as_ptr().cast::<Instance<T>>()).value,
                value,
            );
            Ok(object)
        }
    }

    /// The value in an instance of this very type.
    pub fn value<'a>(&self, object: &'a Object) -> Option<&'a T> {
        // SAFETY: alive; attached; the type is compared before the cast.
        unsafe {
            let same = ffi::Py_TYPE(object.as_ptr()).cast() == self.class.as_ptr();
            same.then(|| &(*object.as_ptr().cast::<Instance<T>>()).value)
        }
    }
}

/// A function object bound to an instance: `function.__self__` is `this`.
///
/// The method table entry is leaked once by the caller and passed as a static.
pub fn bind(_: Gil<'_>, definition: &'static BoundMethod, this: &Object) -> Result<Object> {
    // SAFETY: attached; the definition is static and CPython does not write to it.
    unsafe {
        Object::from_owned(ffi::PyCFunction_NewEx(
            (&raw const definition.0).cast_mut(),
            this.as_ptr(),
            std::ptr::null_mut(),
        ))
    }
}

/// A method definition for [`bind`].
pub struct BoundMethod(ffi::PyMethodDef);

// SAFETY: read-only function pointers and static strings.
unsafe impl Sync for BoundMethod {}
// SAFETY: as above.
unsafe impl Send for BoundMethod {}

impl BoundMethod {
    /// Keeps a definition.
    pub fn new(method: Method) -> Self {
        Self(method.0)
    }
}
