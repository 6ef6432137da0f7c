#ifndef COAUTH_SRC_CLIENT_CONFIG_FILES_HPP
#define COAUTH_SRC_CLIENT_CONFIG_FILES_HPP

#include <coauth/dpop.hpp>

#include "crypto/key_source.hpp"
#include "net/tls_source.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace coauth::detail
{

// What a client reads from files, each of which may be replaced while it runs, and may be unusable
// when the client is created. Safe from any thread.
struct config_files
{
    // Signs client assertions; null: none.
    std::shared_ptr<crypto::key_source> key;
    // Null: none.
    std::shared_ptr<dpop_prover> dpop;
    std::vector<std::string> dpop_algorithms;
    // Null: no TLS leads to the token endpoint.
    std::shared_ptr<net::tls_source> tls;

    // Looks at all of them, and reads those that have changed. Success: all can be used.
    [[nodiscard]] result<void> check() const
    {
        auto const signing = key ? outcome_of(key->current()) : result<void>();
        auto const proof = dpop ? dpop->validate(dpop_algorithms) : result<void>();
        auto const connection = tls ? outcome_of(tls->current()) : result<void>();
        return !signing ? signing : !proof ? proof : connection;
    }
    // Changes with the key and with the TLS parameters.
    [[nodiscard]] std::uint64_t generation() const noexcept
    {
        return (key ? key->generation() : 0) + (tls ? tls->generation() : 0);
    }

private:
    template <class T>
    static result<void> outcome_of(result<T> const& current)
    {
        return current ? result<void>() : current.error();
    }
};

} // namespace coauth::detail

#endif
