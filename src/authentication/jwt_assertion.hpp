#ifndef COAUTH_SRC_AUTHENTICATION_JWT_ASSERTION_HPP
#define COAUTH_SRC_AUTHENTICATION_JWT_ASSERTION_HPP

#include <coauth/jwt_assertion.hpp>

#include "crypto/jwt.hpp"
#include "crypto/key_source.hpp"

#include <memory>

namespace coauth::detail
{

// An assertion that is not signed yet, and the key that signs it.
struct unsigned_assertion
{
    std::shared_ptr<crypto::private_key const> key;
    crypto::unsigned_jwt jwt;
};

// The function that `jwt_assertion` returns.
class assertion_function
{
public:
    assertion_function(signing_key const& key, assertion_claims claims);

    [[nodiscard]] result<unsigned_assertion> make() const;
    // Signs it too, unless the key is a signer function, which may take its time.
    result<secret> operator()() const;

private:
    result<void> valid_;
    std::shared_ptr<crypto::key_source> key_;
    assertion_claims claims_;
};

// Null: it is another function.
assertion_function const* as_assertion_function(secret_provider const& function) noexcept;

} // namespace coauth::detail

#endif
