//! Owned references and the calls on them that the gateway needs.
//!
//! Unsafe, because this is where CPython's reference counting rules are upheld. The invariant of the
//! whole module: an [`Object`] is created, used and dropped only on an attached thread. `Object` is
//! neither `Send` nor `Sync`, and [`Gil::detach`](super::Gil::detach) takes a `Send` closure, so safe
//! code cannot carry one into a detached region. Long-lived structures that hold objects are reached
//! through an attached thread as well (see `Interpreter::local` and `GilCell`).

use super::error::{Raised, Result};
use super::gil::Gil;
use pyo3_ffi as ffi;
use pyo3_ffi::compat::{PyDict_GetItemRef, PyList_GetItemRef};
use std::ffi::CStr;
use std::ptr::NonNull;

/// An owned reference to a Python object.
pub struct Object(NonNull<ffi::PyObject>);

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: we own one reference, and objects are dropped only while attached.
        unsafe { ffi::Py_DECREF(self.0.as_ptr()) }
    }
}

impl Clone for Object {
    fn clone(&self) -> Self {
        // SAFETY: the object is alive because we hold a reference; attached as for any use.
        unsafe { ffi::Py_INCREF(self.0.as_ptr()) };
        Self(self.0)
    }
}

impl Object {
    /// Takes over a new reference returned by CPython; null means that an exception is set.
    ///
    /// # Safety
    /// `pointer` is null or a reference that the caller owns; the thread is attached.
    pub unsafe fn from_owned(pointer: *mut ffi::PyObject) -> Result<Self> {
        NonNull::new(pointer).map(Self).ok_or(Raised)
    }

    /// Makes a new reference to a borrowed object; null means that an exception is set.
    ///
    /// # Safety
    /// `pointer` is null or a live object; the thread is attached.
    pub unsafe fn from_borrowed(pointer: *mut ffi::PyObject) -> Result<Self> {
        let pointer = NonNull::new(pointer).ok_or(Raised)?;
        // SAFETY: the caller says the object is alive.
        unsafe { ffi::Py_INCREF(pointer.as_ptr()) };
        Ok(Self(pointer))
    }

    /// The pointer, borrowed.
    pub fn as_ptr(&self) -> *mut ffi::PyObject {
        self.0.as_ptr()
    }

    /// Gives the reference away, for returning to CPython.
    pub fn into_ptr(self) -> *mut ffi::PyObject {
        let pointer = self.0.as_ptr();
        std::mem::forget(self);
        pointer
    }

    /// `None`.
    pub fn none(_: Gil<'_>) -> Self {
        // SAFETY: None is alive as long as Python is; attached.
        unsafe {
            ffi::Py_INCREF(ffi::Py_None());
            Self(NonNull::new_unchecked(ffi::Py_None()))
        }
    }

    /// `True` or `False`.
    pub fn bool(_: Gil<'_>, value: bool) -> Self {
        // SAFETY: both singletons are alive as long as Python is; attached.
        unsafe {
            let pointer = if value {
                ffi::Py_True()
            } else {
                ffi::Py_False()
            };
            ffi::Py_INCREF(pointer);
            Self(NonNull::new_unchecked(pointer))
        }
    }

    /// An `int`.
    pub fn int(_: Gil<'_>, value: i64) -> Result<Self> {
        // SAFETY: attached.
        unsafe { Self::from_owned(ffi::PyLong_FromLongLong(value)) }
    }

    /// A `float`.
    pub fn float(_: Gil<'_>, value: f64) -> Result<Self> {
        // SAFETY: attached.
        unsafe { Self::from_owned(ffi::PyFloat_FromDouble(value)) }
    }

    /// A `str` from UTF-8 text.
    pub fn text(_: Gil<'_>, text: &str) -> Result<Self> {
        // SAFETY: attached; pointer and length belong together.
        unsafe {
            Self::from_owned(ffi::PyUnicode_FromStringAndSize(
                text.as_ptr().cast(),
                text.len() as ffi::Py_ssize_t,
            ))
        }
    }

    /// A `str` from bytes by latin-1, the native string of PEP 3333.
    pub fn latin1(_: Gil<'_>, bytes: &[u8]) -> Result<Self> {
        // SAFETY: attached; pointer and length belong together.
        unsafe {
            Self::from_owned(ffi::PyUnicode_DecodeLatin1(
                bytes.as_ptr().cast(),
                bytes.len() as ffi::Py_ssize_t,
                std::ptr::null(),
            ))
        }
    }

    /// A `str` from a file name, by the filesystem encoding with surrogateescape.
    pub fn path(_: Gil<'_>, bytes: &[u8]) -> Result<Self> {
        // SAFETY: attached; pointer and length belong together.
        unsafe {
            Self::from_owned(ffi::PyUnicode_DecodeFSDefaultAndSize(
                bytes.as_ptr().cast(),
                bytes.len() as ffi::Py_ssize_t,
            ))
        }
    }

    /// A `bytes`.
    pub fn bytes(_: Gil<'_>, bytes: &[u8]) -> Result<Self> {
        // SAFETY: attached; pointer and length belong together.
        unsafe {
            Self::from_owned(ffi::PyBytes_FromStringAndSize(
                bytes.as_ptr().cast(),
                bytes.len() as ffi::Py_ssize_t,
            ))
        }
    }

    /// An empty `dict`.
    pub fn dict(_: Gil<'_>) -> Result<Self> {
        // SAFETY: attached.
        unsafe { Self::from_owned(ffi::PyDict_New()) }
    }

    /// An empty `list`.
    pub fn list(_: Gil<'_>) -> Result<Self> {
        // SAFETY: attached.
        unsafe { Self::from_owned(ffi::PyList_New(0)) }
    }

    /// A `tuple` of these items.
    pub fn tuple<const N: usize>(_: Gil<'_>, items: [Self; N]) -> Result<Self> {
        // SAFETY: attached; every slot of the new tuple is filled, each with a reference we give up.
        unsafe {
            let tuple = Self::from_owned(ffi::PyTuple_New(N as ffi::Py_ssize_t))?;
            for (index, item) in items.into_iter().enumerate() {
                ffi::PyTuple_SET_ITEM(tuple.as_ptr(), index as ffi::Py_ssize_t, item.into_ptr());
            }
            Ok(tuple)
        }
    }

    /// Imports a module.
    pub fn import(_: Gil<'_>, name: &CStr) -> Result<Self> {
        // SAFETY: attached; `name` ends in NUL.
        unsafe { Self::from_owned(ffi::PyImport_ImportModule(name.as_ptr())) }
    }

    /// `sys.modules`.
    pub fn modules(_: Gil<'_>) -> Result<Self> {
        // SAFETY: attached; a borrowed reference to the interpreter's dict.
        unsafe { Self::from_borrowed(ffi::PyImport_GetModuleDict()) }
    }

    /// `self.name`.
    pub fn getattr(&self, name: &CStr) -> Result<Self> {
        // SAFETY: both are alive; attached.
        unsafe { Self::from_owned(ffi::PyObject_GetAttrString(self.as_ptr(), name.as_ptr())) }
    }

    /// `self.name` with an interned name; `None` if there is no such attribute.
    pub fn getattr_opt(&self, name: &Self) -> Result<Option<Self>> {
        // SAFETY: both are alive; attached. The error is inspected before it is cleared.
        unsafe {
            match Self::from_owned(ffi::PyObject_GetAttr(self.as_ptr(), name.as_ptr())) {
                Ok(value) => Ok(Some(value)),
                Err(Raised) if ffi::PyErr_ExceptionMatches(ffi::PyExc_AttributeError) != 0 => {
                    ffi::PyErr_Clear();
                    Ok(None)
                }
                Err(Raised) => Err(Raised),
            }
        }
    }

    /// `self.name = value`.
    pub fn setattr(&self, name: &CStr, value: &Self) -> Result<()> {
        // SAFETY: all are alive; attached.
        check(unsafe { ffi::PyObject_SetAttrString(self.as_ptr(), name.as_ptr(), value.as_ptr()) })
    }

    /// `self[key] = value` of a dict.
    pub fn set_item(&self, key: &Self, value: &Self) -> Result<()> {
        // SAFETY: all are alive; attached; PyDict_SetItem checks the type.
        check(unsafe { ffi::PyDict_SetItem(self.as_ptr(), key.as_ptr(), value.as_ptr()) })
    }

    /// `self[key] = value` of a dict, with a plain key.
    pub fn set_item_text(&self, key: &CStr, value: &Self) -> Result<()> {
        // SAFETY: all are alive; attached.
        check(unsafe { ffi::PyDict_SetItemString(self.as_ptr(), key.as_ptr(), value.as_ptr()) })
    }

    /// `self.get(key)` of a dict.
    pub fn get_item(&self, key: &Self) -> Result<Option<Self>> {
        // SAFETY: both are alive; attached; a missing key sets no exception.
        unsafe {
            let mut value = std::ptr::null_mut();
            check(PyDict_GetItemRef(
                self.as_ptr(),
                key.as_ptr(),
                &raw mut value,
            ))?;
            Ok(Self::from_owned(value).ok())
        }
    }

    /// Removes `key` from a dict if it is there.
    pub fn del_item(&self, key: &Self) -> Result<()> {
        // SAFETY: both are alive; attached; only KeyError is cleared.
        unsafe {
            if ffi::PyDict_DelItem(self.as_ptr(), key.as_ptr()) == 0 {
                return Ok(());
            }
            if ffi::PyErr_ExceptionMatches(ffi::PyExc_KeyError) == 0 {
                return Err(Raised);
            }
            ffi::PyErr_Clear();
            Ok(())
        }
    }

    /// A shallow copy of a dict.
    pub fn copy_dict(&self) -> Result<Self> {
        // SAFETY: alive; attached; the type is checked by CPython.
        unsafe { Self::from_owned(ffi::PyDict_Copy(self.as_ptr())) }
    }

    /// Appends to a list.
    pub fn append(&self, item: &Self) -> Result<()> {
        // SAFETY: both are alive; attached; the type is checked by CPython.
        check(unsafe { ffi::PyList_Append(self.as_ptr(), item.as_ptr()) })
    }

    /// `self()`.
    pub fn call0(&self) -> Result<Self> {
        // SAFETY: alive; attached.
        unsafe { Self::from_owned(ffi::PyObject_CallNoArgs(self.as_ptr())) }
    }

    /// `self(*args)`.
    pub fn call<const N: usize>(&self, args: [&Self; N]) -> Result<Self> {
        let pointers = args.map(Self::as_ptr);
        // SAFETY: callable and arguments are alive for the call; attached. The count is passed
        // without PY_VECTORCALL_ARGUMENTS_OFFSET because no slot stands before the first argument.
        unsafe {
            Self::from_owned(ffi::PyObject_Vectorcall(
                self.as_ptr(),
                pointers.as_ptr(),
                N,
                std::ptr::null_mut(),
            ))
        }
    }

    /// `self.name(*args)`.
    pub fn call_method<const N: usize>(&self, name: &CStr, args: [&Self; N]) -> Result<Self> {
        self.getattr(name)?.call(args)
    }

    /// `self(*args, **kwargs)` with a tuple and a dict.
    pub fn call_with(&self, args: &Self, kwargs: &Self) -> Result<Self> {
        // SAFETY: all are alive; attached; CPython checks the types.
        unsafe {
            Self::from_owned(ffi::PyObject_Call(
                self.as_ptr(),
                args.as_ptr(),
                kwargs.as_ptr(),
            ))
        }
    }

    /// `iter(self)`.
    pub fn iter(&self) -> Result<Self> {
        // SAFETY: alive; attached.
        unsafe { Self::from_owned(ffi::PyObject_GetIter(self.as_ptr())) }
    }

    /// `next(self)`; `None` at the end.
    pub fn next(&self) -> Result<Option<Self>> {
        // SAFETY: alive; attached. Null without an exception is the end.
        unsafe {
            let item = ffi::PyIter_Next(self.as_ptr());
            if item.is_null() && !ffi::PyErr_Occurred().is_null() {
                return Err(Raised);
            }
            Ok(Self::from_owned(item).ok())
        }
    }

    /// `bool(self)`.
    pub fn is_true(&self) -> Result<bool> {
        // SAFETY: alive; attached.
        match unsafe { ffi::PyObject_IsTrue(self.as_ptr()) } {
            -1 => Err(Raised),
            value => Ok(value == 1),
        }
    }

    /// `isinstance(self, class)`.
    pub fn is_instance(&self, class: &Self) -> Result<bool> {
        // SAFETY: both are alive; attached.
        match unsafe { ffi::PyObject_IsInstance(self.as_ptr(), class.as_ptr()) } {
            -1 => Err(Raised),
            value => Ok(value == 1),
        }
    }

    /// Whether this is `None`.
    pub fn is_none(&self) -> bool {
        // SAFETY: attached.
        self.as_ptr() == unsafe { ffi::Py_None() }
    }

    /// Whether this is exactly that object.
    pub fn is(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// Whether this is a `str`.
    pub fn is_str(&self) -> bool {
        // SAFETY: alive; attached.
        unsafe { ffi::PyUnicode_Check(self.as_ptr()) != 0 }
    }

    /// Whether this is a `tuple`.
    pub fn is_tuple(&self) -> bool {
        // SAFETY: alive; attached.
        unsafe { ffi::PyTuple_Check(self.as_ptr()) != 0 }
    }

    /// Whether this is a `list`.
    pub fn is_list(&self) -> bool {
        // SAFETY: alive; attached.
        unsafe { ffi::PyList_Check(self.as_ptr()) != 0 }
    }

    /// The type's name, without its module.
    pub fn type_name(&self) -> String {
        // SAFETY: alive; attached; tp_name ends in NUL and lives as long as the type.
        let name = unsafe { CStr::from_ptr((*ffi::Py_TYPE(self.as_ptr())).tp_name) };
        let name = name.to_string_lossy();
        name.rsplit('.').next().unwrap_or_default().to_owned()
    }

    /// `int(self)` for an `int` or an object with `__index__`; TypeError for anything else.
    pub fn as_index(&self) -> Result<i64> {
        // SAFETY: alive; attached.
        unsafe {
            let value = ffi::PyNumber_AsSsize_t(self.as_ptr(), ffi::PyExc_OverflowError);
            if value == -1 && !ffi::PyErr_Occurred().is_null() {
                return Err(Raised);
            }
            Ok(value as i64)
        }
    }

    /// The content of a `bytes`; `None` for any other type. Borrowed from the object.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        // SAFETY: alive; attached; a bytes object is immutable and its buffer lives as long as it.
        unsafe {
            if ffi::PyBytes_Check(self.as_ptr()) == 0 {
                return None;
            }
            Some(std::slice::from_raw_parts(
                ffi::PyBytes_AS_STRING(self.as_ptr()).cast(),
                ffi::Py_SIZE(self.as_ptr()) as usize,
            ))
        }
    }

    /// A `bytes` copy of any object with the buffer protocol; TypeError for others.
    pub fn to_bytes(&self) -> Result<Self> {
        // SAFETY: alive; attached.
        unsafe { Self::from_owned(ffi::PyBytes_FromObject(self.as_ptr())) }
    }

    /// The UTF-8 form of a `str`, borrowed from it; an exception for other types and lone surrogates.
    pub fn as_text(&self) -> Result<&str> {
        let mut len = 0;
        // SAFETY: alive; attached; the cached UTF-8 form lives as long as the object.
        unsafe {
            let data = ffi::PyUnicode_AsUTF8AndSize(self.as_ptr(), &raw mut len);
            if data.is_null() {
                return Err(Raised);
            }
            let bytes = std::slice::from_raw_parts(data.cast(), len as usize);
            Ok(std::str::from_utf8_unchecked(bytes))
        }
    }

    /// `str(self)`.
    pub fn str(&self) -> Result<Self> {
        // SAFETY: alive; attached.
        unsafe { Self::from_owned(ffi::PyObject_Str(self.as_ptr())) }
    }

    /// The text of a `str`, with lone surrogates as escapes; TypeError for other types.
    pub fn to_text_lossy(&self) -> Result<String> {
        // SAFETY: alive; attached; encoding and error handler are static strings.
        let encoded = unsafe {
            Self::from_owned(ffi::PyUnicode_AsEncodedString(
                self.as_ptr(),
                c"utf-8".as_ptr(),
                c"backslashreplace".as_ptr(),
            ))
        }?;
        Ok(String::from_utf8_lossy(encoded.as_bytes().unwrap_or_default()).into_owned())
    }

    /// Appends the latin-1 form of a `str` to `out`; UnicodeEncodeError where there is none.
    pub fn append_latin1(&self, out: &mut Vec<u8>) -> Result<()> {
        // SAFETY: alive; attached. A str of one byte per character holds exactly its latin-1 form
        // (PEP 393).
        unsafe {
            if ffi::PyUnicode_KIND(self.as_ptr()) == ffi::PyUnicode_1BYTE_KIND {
                let len = ffi::PyUnicode_GET_LENGTH(self.as_ptr()) as usize;
                let data = ffi::PyUnicode_DATA(self.as_ptr()).cast::<u8>();
                out.extend_from_slice(std::slice::from_raw_parts(data, len));
                return Ok(());
            }
            let encoded = Self::from_owned(ffi::PyUnicode_AsLatin1String(self.as_ptr()))?;
            out.extend_from_slice(encoded.as_bytes().unwrap_or_default());
            Ok(())
        }
    }

    /// The item at `index` of a list; `None` past its end or for other types.
    pub fn list_item(&self, index: usize) -> Option<Self> {
        if !self.is_list() {
            return None;
        }
        ExactSequence {
            object: self,
            list: true,
        }
        .get(index)
    }

    /// Both items of a tuple of two; `None` for other tuples and types.
    pub fn as_pair(&self) -> Option<(Self, Self)> {
        if !self.is_tuple() {
            return None;
        }
        let items = ExactSequence {
            object: self,
            list: false,
        };
        match (items.len(), items.get(0), items.get(1)) {
            (2, Some(first), Some(second)) => Some((first, second)),
            _ => None,
        }
    }

    /// Items of a list or tuple whose exact type it is, so that no Python code runs between them.
    pub fn as_exact_sequence(&self) -> Option<ExactSequence<'_>> {
        // SAFETY: alive; attached.
        unsafe {
            let list = ffi::PyList_CheckExact(self.as_ptr()) != 0;
            (list || ffi::PyTuple_CheckExact(self.as_ptr()) != 0)
                .then_some(ExactSequence { object: self, list })
        }
    }

    /// Number of references, ours included.
    pub fn references(&self) -> isize {
        // SAFETY: alive; attached.
        unsafe { ffi::Py_REFCNT(self.as_ptr()) }
    }

    /// Interns a `str`, so that dict look-ups compare pointers.
    pub fn interned(_: Gil<'_>, text: &CStr) -> Result<Self> {
        // SAFETY: attached; `text` ends in NUL and is UTF-8 (all callers pass ASCII).
        unsafe { Self::from_owned(ffi::PyUnicode_InternFromString(text.as_ptr())) }
    }

    /// Interns this `str`.
    pub fn into_interned(self) -> Self {
        let mut pointer = self.into_ptr();
        // SAFETY: attached; takes our reference and puts a new one in its place.
        unsafe {
            ffi::PyUnicode_InternInPlace(&raw mut pointer);
            Self(NonNull::new_unchecked(pointer))
        }
    }
}

/// A list or tuple (or subclass) seen as an array. A list may be changed by other threads, so every access is checked.
pub struct ExactSequence<'a> {
    object: &'a Object,
    list: bool,
}

impl ExactSequence<'_> {
    /// Number of items at present.
    pub fn len(&self) -> usize {
        // SAFETY: alive; attached; the type was checked.
        unsafe { ffi::Py_SIZE(self.object.as_ptr()) as usize }
    }

    /// The item at `index`, or `None` past the end.
    pub fn get(&self, index: usize) -> Option<Object> {
        if index >= self.len() {
            return None;
        }
        let index = index as ffi::Py_ssize_t;
        // SAFETY: alive; attached; the type was checked. A tuple keeps its items; those of a list may be
        // gone by now where there is no GIL, which is an IndexError.
        unsafe {
            if self.list {
                let item = Object::from_owned(PyList_GetItemRef(self.object.as_ptr(), index));
                return item.inspect_err(|Raised| ffi::PyErr_Clear()).ok();
            }
            Object::from_borrowed(ffi::PyTuple_GET_ITEM(self.object.as_ptr(), index)).ok()
        }
    }
}

/// Turns CPython's -1 into an error.
fn check(status: std::ffi::c_int) -> Result<()> {
    if status < 0 { Err(Raised) } else { Ok(()) }
}
