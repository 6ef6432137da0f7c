#ifndef COAUTH_SRC_VALUES_SAME_TRUST_HPP
#define COAUTH_SRC_VALUES_SAME_TRUST_HPP

#include <coauth/client_config.hpp>

namespace coauth::detail
{

// True if both trust the same servers.
inline bool is_same_trust(tls_options const& a, tls_options const& b)
{
    return a.ca_file == b.ca_file && a.ca_pem == b.ca_pem &&
           a.system_trust_store == b.system_trust_store && a.crl_pem == b.crl_pem &&
           a.crl_file == b.crl_file;
}

} // namespace coauth::detail

#endif
