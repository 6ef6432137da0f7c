#ifndef COAUTH_SRC_CRYPTO_KEY_FILES_HPP
#define COAUTH_SRC_CRYPTO_KEY_FILES_HPP

#include "crypto/pem.hpp"
#include "values/watched_file.hpp"

#include <optional>
#include <string>

namespace coauth::crypto
{

// The files of a private key and of its certificate, which may be replaced while the program runs.
// Immutable; may be used from any thread.
class key_files
{
public:
    struct versions
    {
        detail::watched_file::version key;
        detail::watched_file::version certificate;
    };

    // An empty path: it is not in a file.
    key_files(std::string const& key_path, std::string const& certificate_path)
        : key_(watch(key_path))
        , certificate_(watch(certificate_path))
    {
    }

    // True if there is a file.
    [[nodiscard]] bool any() const noexcept { return key_ || certificate_; }
    [[nodiscard]] versions on_disk() const noexcept
    {
        return {
            key_ ? key_->current_version() : detail::watched_file::version(),
            certificate_ ? certificate_->current_version() : detail::watched_file::version()};
    }
    // True if the files still have the contents of these versions.
    [[nodiscard]] bool are_current(versions const& known) const noexcept
    {
        return (!key_ || key_->is_current(known.key)) &&
               (!certificate_ || certificate_->is_current(known.certificate));
    }

private:
    static std::optional<detail::watched_file> watch(std::string const& path)
    {
        return path.empty() ? std::nullopt : std::optional(pem_file(path, {}));
    }

    std::optional<detail::watched_file> key_;
    std::optional<detail::watched_file> certificate_;
};

} // namespace coauth::crypto

#endif
