#ifndef COAUTH_SRC_CLIENT_CREDENTIALS_HPP
#define COAUTH_SRC_CLIENT_CREDENTIALS_HPP

#include <coauth/client_authentication.hpp>
#include <coauth/result.hpp>

#include "client/config_files.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace coauth::detail
{

// The client authentication with the secret in force. The version changes with the secret and with
// what the client reads from files.
struct credentials
{
    std::shared_ptr<client_authentication const> authentication;
    std::uint64_t version = 0;
};

// Loads the credentials of one client. Thread-safe.
class credential_source
{
public:
    // `files_are_usable`: as they were checked last.
    credential_source(
        client_authentication configured, std::shared_ptr<config_files const> files,
        bool files_are_usable);

    // Calls the user's `secret_provider`, if there is one.
    [[nodiscard]] result<credentials> load();
    // The same, and checks the files too. Returns the version.
    std::uint64_t refresh();
    [[nodiscard]] std::uint64_t version() const noexcept { return version_; }

private:
    [[nodiscard]] result<credentials> store(result<secret> loaded);

    client_authentication const configured_;
    std::shared_ptr<config_files const> const files_;

    std::mutex mutex_;
    std::shared_ptr<client_authentication const> authentication_;
    bool load_failed_ = false;
    // As of the last check.
    bool files_are_usable_;
    std::uint64_t files_generation_;
    std::atomic<std::uint64_t> version_{0};
};

} // namespace coauth::detail

#endif
