#ifndef COAUTH_SRC_NET_TRUST_PEM_HPP
#define COAUTH_SRC_NET_TRUST_PEM_HPP

#include <coauth/result.hpp>

#include "crypto/openssl_ptr.hpp"

#include <string>
#include <string_view>

namespace coauth::net
{

// Add every block of PEM text to a store. Return whether there was any; or an error that names the
// text by `name` and says which block is damaged. Throw `std::bad_alloc`.
result<bool> add_certificates(X509_STORE* store, std::string_view pem, std::string const& name);
result<bool> add_revocation_lists(X509_STORE* store, std::string_view pem, std::string const& name);

} // namespace coauth::net

#endif
