#ifndef COAUTH_SRC_CLIENT_CREDENTIALS_HPP
#define COAUTH_SRC_CLIENT_CREDENTIALS_HPP

#include <coauth/client_authentication.hpp>
#include <coauth/result.hpp>

#include "net/client_certificate.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

namespace coauth::detail
{

// The client authentication with the secret in force. The version changes with the secret and with
// the TLS certificate.
struct credentials
{
    std::shared_ptr<client_authentication const> authentication;
    std::uint64_t version = 0;
};

// Loads the credentials of one client. Thread-safe.
class credential_source
{
public:
    // The certificate may be null.
    credential_source(
        client_authentication configured, std::shared_ptr<net::client_certificate> certificate);

    // Calls the user's `secret_provider`, if there is one.
    [[nodiscard]] result<credentials> load();
    // The same, and checks the certificate too. Returns the version.
    std::uint64_t refresh();
    [[nodiscard]] std::uint64_t version() const noexcept { return version_; }

private:
    [[nodiscard]] result<credentials> store(result<secret> loaded);

    client_authentication const configured_;
    std::shared_ptr<net::client_certificate> const certificate_;

    std::mutex mutex_;
    std::shared_ptr<client_authentication const> authentication_;
    bool load_failed_ = false;
    // Of the certificate that was checked last.
    std::string certificate_fingerprint_;
    std::atomic<std::uint64_t> version_{0};
};

} // namespace coauth::detail

#endif
