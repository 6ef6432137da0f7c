#ifndef COAUTH_SRC_CRYPTO_KEY_SOURCE_HPP
#define COAUTH_SRC_CRYPTO_KEY_SOURCE_HPP

#include "crypto/key_files.hpp"
#include "crypto/private_key.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace coauth::crypto
{

// The key of a `signing_key`, loaded again when its files have changed. May be used from any
// thread.
class key_source
{
public:
    using key_ptr = std::shared_ptr<private_key const>;
    using clock = std::chrono::steady_clock;

    // How long the previous key is used while the new files cannot be loaded. Long enough for a
    // deployment that writes key and certificate one after the other, short enough that a mistake
    // is noticed on the day that it is made.
    static constexpr std::chrono::minutes grace{5};

    // Loads the key. `subject` names it in messages.
    key_source(signing_key source, std::string subject);

    // The key in force, or why there is none: it was never loaded, or its files have been unusable
    // for longer than the grace.
    [[nodiscard]] result<key_ptr> current(clock::time_point now = clock::now());

private:
    signing_key const source_;
    std::string const subject_;
    key_files const files_;

    std::mutex mutex_;
    key_files::versions versions_;
    key_ptr key_;
    std::optional<error> failure_;
    clock::time_point failing_since_;
};

} // namespace coauth::crypto

#endif
