#ifndef COAUTH_SRC_AUTHENTICATION_DPOP_ACCESS_HPP
#define COAUTH_SRC_AUTHENTICATION_DPOP_ACCESS_HPP

#include <coauth/dpop.hpp>

#include <string_view>

namespace coauth::detail
{

// Gives the library access to the private parts of a `dpop_prover`.
struct dpop_access
{
    // A proof for a token endpoint: it names no token.
    [[nodiscard]] static result<secret>
    proof_for(dpop_prover& prover, std::string_view method, std::string_view url)
    {
        return prover.sign_proof(method, url, nullptr);
    }
};

} // namespace coauth::detail

#endif
