#ifndef COAUTH_EXPORT_HPP
#define COAUTH_EXPORT_HPP

/// \file
/// Visibility of public names.

#if !defined(__cpp_exceptions)
#error "coauth needs exceptions, because Asio's coroutines do: compile without -fno-exceptions"
#endif

/// Exports a name from the shared library, which hides all others.
#define COAUTH_DECL __attribute__((visibility("default")))

#endif
