#ifndef COAUTH_VERSION_HPP
#define COAUTH_VERSION_HPP

/// The version of the headers, as numbers and as text. The build reads it from here.
#define COAUTH_VERSION_MAJOR 0
#define COAUTH_VERSION_MINOR 1
#define COAUTH_VERSION_PATCH 0
#define COAUTH_VERSION_STRING "0.1.0"

#endif
