#include <coauth/signing_key.hpp>

#include <array>

namespace coauth
{
namespace
{

constexpr std::array<std::string_view, 14> names = {"HS256", "HS384", "HS512", "RS256",  "RS384",
                                                    "RS512", "PS256", "PS384", "PS512",  "ES256",
                                                    "ES384", "ES512", "EdDSA", "Ed25519"};

template <class Change>
std::shared_ptr<signing_key::description const>
changed(signing_key::description const* from, Change const& change)
{
    auto made = from != nullptr ? std::make_shared<signing_key::description>(*from)
                                : std::make_shared<signing_key::description>();
    change(*made);
    return made;
}

} // namespace

std::string_view to_string(signature_algorithm algorithm) noexcept
{
    auto const index = static_cast<std::size_t>(algorithm);
    if (index < names.size())
        return names[index];
    return "unknown";
}

std::optional<signature_algorithm> parse_signature_algorithm(std::string_view name) noexcept
{
    for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i] == name)
            return static_cast<signature_algorithm>(i);
    return std::nullopt;
}

signing_key signing_key::pem_file(detail::text_argument path, secret_provider passphrase)
{
    signing_key made;
    made.given_ = changed(
        nullptr,
        [&](description& it)
        {
            it.path = std::move(path);
            it.passphrase = std::move(passphrase);
        });
    return made;
}

signing_key signing_key::pem(secret text, secret_provider passphrase)
{
    signing_key made;
    made.given_ = changed(
        nullptr,
        [&](description& it)
        {
            it.pem = std::move(text);
            it.passphrase = std::move(passphrase);
        });
    return made;
}

signing_key signing_key::signer(signature_algorithm algorithm, signer_function sign)
{
    signing_key made;
    made.given_ = changed(
        nullptr,
        [&](description& it)
        {
            it.algorithm = algorithm;
            it.sign = std::move(sign);
        });
    return made;
}

signing_key signing_key::algorithm(signature_algorithm wanted) const
{
    signing_key made;
    made.given_ = changed(given_.get(), [&](description& it) { it.algorithm = wanted; });
    return made;
}

signing_key signing_key::key_id(detail::text_argument id) const
{
    signing_key made;
    made.given_ = changed(given_.get(), [&](description& it) { it.key_id = std::move(id); });
    return made;
}

signing_key signing_key::certificate_pem(detail::text_argument text) const
{
    signing_key made;
    made.given_ =
        changed(given_.get(), [&](description& it) { it.certificate_pem = std::move(text); });
    return made;
}

signing_key signing_key::certificate_file(detail::text_argument path) const
{
    signing_key made;
    made.given_ =
        changed(given_.get(), [&](description& it) { it.certificate_path = std::move(path); });
    return made;
}

} // namespace coauth
