#ifndef COAUTH_SRC_AUTHENTICATION_DPOP_ACCESS_HPP
#define COAUTH_SRC_AUTHENTICATION_DPOP_ACCESS_HPP

#include <coauth/dpop.hpp>

#include "crypto/jwt.hpp"
#include "crypto/private_key.hpp"

#include <memory>
#include <string_view>

namespace coauth::detail
{

// A proof before it is signed, and the key that signs it.
struct dpop_proof_input
{
    std::shared_ptr<crypto::private_key const> key;
    crypto::unsigned_jwt jwt;
};

// Gives the library access to the private parts of a `dpop_prover`.
struct dpop_access
{
    // `token`: null for a token endpoint, whose proof names no token.
    [[nodiscard]] static result<dpop_proof_input> make_proof(
        dpop_prover& prover, std::string_view method, std::string_view url,
        access_token const* token)
    {
        return prover.make_proof(method, url, token);
    }
};

} // namespace coauth::detail

#endif
