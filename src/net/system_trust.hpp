#ifndef COAUTH_SRC_NET_SYSTEM_TRUST_HPP
#define COAUTH_SRC_NET_SYSTEM_TRUST_HPP

#include <coauth/result.hpp>
#include <coauth/secret.hpp>

#include "crypto/openssl_ptr.hpp"

#include <string>
#include <vector>

namespace coauth::net
{

// The system's CA certificates, where OpenSSL looks for them: in a bundle, and in directories whose
// files are named by a hash, as in "5ed36f99.0". Immutable; may be used from any thread.
class system_trust
{
public:
    // What identifies the certificates.
    struct contents
    {
        // The bundle; empty: there is none.
        secret bundle;
        // The names and stamps of the files in the directories. OpenSSL reads one when it looks for
        // an issuer.
        std::string listing;
        bool any_in_directories = false;
    };

    // Reads the environment.
    system_trust();

    // The bundle and the directories, to be watched.
    [[nodiscard]] std::vector<std::string> paths() const;
    [[nodiscard]] result<contents> read() const;
    // Adds them to the store; an error if there are none. `alone`: no other certificates will be in
    // the store. Throws `std::bad_alloc`.
    result<void> add_to(X509_STORE* store, contents const& from, bool alone) const;

private:
    std::string bundle_;
    std::vector<std::string> directories_;
    // Separated by colons.
    std::string directory_list_;
};

} // namespace coauth::net

#endif
