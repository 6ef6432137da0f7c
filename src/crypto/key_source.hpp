#ifndef COAUTH_SRC_CRYPTO_KEY_SOURCE_HPP
#define COAUTH_SRC_CRYPTO_KEY_SOURCE_HPP

#include "crypto/private_key.hpp"
#include "values/reloadable.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace coauth::crypto
{

// The key of a `signing_key`, loaded again when its files have changed. May be used from any
// thread.
class key_source
{
public:
    using key_ptr = std::shared_ptr<private_key const>;
    using clock = detail::last_good<key_ptr>::clock;

    // Loads the key. `subject` names it in messages.
    key_source(signing_key source, std::string subject);

    // The key in force: the previous one for a time while the new files cannot be used. Or why
    // there is none.
    [[nodiscard]] result<key_ptr> current(clock::time_point now = clock::now());
    // Changes with the key.
    [[nodiscard]] std::uint64_t generation() const noexcept { return key_.generation(); }

private:
    signing_key const source_;
    std::string const subject_;
    detail::reloadable<private_key const> key_;
    detail::last_good<key_ptr> last_good_;
};

} // namespace coauth::crypto

#endif
