#include "values/signing_key_data.hpp"

#include <array>
#include <utility>

namespace coauth
{
namespace
{

constexpr std::array<std::string_view, 14> names = {"HS256", "HS384", "HS512", "RS256",  "RS384",
                                                    "RS512", "PS256", "PS384", "PS512",  "ES256",
                                                    "ES384", "ES512", "EdDSA", "Ed25519"};

std::shared_ptr<detail::signing_key_data> copy_of(detail::signing_key_data const* data)
{
    return data != nullptr ? std::make_shared<detail::signing_key_data>(*data)
                           : std::make_shared<detail::signing_key_data>();
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

signing_key::signing_key(std::shared_ptr<detail::signing_key_data const> data) noexcept
    : data_(std::move(data))
{
}

signing_key signing_key::pem_file(detail::text_argument path, secret_provider passphrase)
{
    auto data = copy_of(nullptr);
    data->path = std::move(path);
    data->passphrase = std::move(passphrase);
    return signing_key(std::move(data));
}

signing_key signing_key::pem(secret text, secret_provider passphrase)
{
    auto data = copy_of(nullptr);
    data->pem = std::move(text);
    data->passphrase = std::move(passphrase);
    return signing_key(std::move(data));
}

signing_key signing_key::signer(signature_algorithm algorithm, signer_function sign)
{
    auto data = copy_of(nullptr);
    data->algorithm = algorithm;
    data->sign = std::move(sign);
    return signing_key(std::move(data));
}

signing_key signing_key::algorithm(signature_algorithm algorithm) const
{
    auto data = copy_of(data_.get());
    data->algorithm = algorithm;
    return signing_key(std::move(data));
}

signing_key signing_key::key_id(detail::text_argument id) const
{
    auto data = copy_of(data_.get());
    data->key_id = std::move(id);
    return signing_key(std::move(data));
}

signing_key signing_key::public_key(detail::text_argument text) const
{
    auto data = copy_of(data_.get());
    data->public_key = std::move(text);
    return signing_key(std::move(data));
}

signing_key signing_key::certificate_pem(detail::text_argument text) const
{
    auto data = copy_of(data_.get());
    data->certificate_pem = std::move(text);
    return signing_key(std::move(data));
}

signing_key signing_key::certificate_file(detail::text_argument path) const
{
    auto data = copy_of(data_.get());
    data->certificate_path = std::move(path);
    return signing_key(std::move(data));
}

signing_key signing_key::x5t() const
{
    auto data = copy_of(data_.get());
    data->x5t = true;
    return signing_key(std::move(data));
}

signing_key signing_key::x5c() const
{
    auto data = copy_of(data_.get());
    data->x5c = true;
    return signing_key(std::move(data));
}

} // namespace coauth
