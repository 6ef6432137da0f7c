#ifndef COAUTH_EXPORT_HPP
#define COAUTH_EXPORT_HPP

// The libraries are built with hidden visibility; what users may name is marked with this.
#define COAUTH_DECL __attribute__((visibility("default")))

#endif
