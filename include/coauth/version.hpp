#ifndef COAUTH_VERSION_HPP
#define COAUTH_VERSION_HPP

/// \file
/// The version of the headers. The build reads it from here.

/// The major version of the headers.
#define COAUTH_VERSION_MAJOR 0
/// The minor version of the headers.
#define COAUTH_VERSION_MINOR 1
/// The patch version of the headers.
#define COAUTH_VERSION_PATCH 0
/// The version of the headers as text.
#define COAUTH_VERSION_STRING "0.1.0"

#endif
