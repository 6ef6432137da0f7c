#ifndef COAUTH_EXPORT_HPP
#define COAUTH_EXPORT_HPP

/// \file
/// Visibility of public names.

/// Exports a name from the shared library, which hides all others.
#define COAUTH_DECL __attribute__((visibility("default")))

#endif
