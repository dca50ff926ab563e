#![cfg_attr(fuzzing, no_main)]

wsgi_core_fuzz::program!(proxies);
