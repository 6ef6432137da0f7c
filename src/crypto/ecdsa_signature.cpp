#include "crypto/ecdsa_signature.hpp"

#include "crypto/openssl_error.hpp"
#include "crypto/openssl_ptr.hpp"
#include "values/make_error.hpp"
#include "values/wipe.hpp"

#include <array>
#include <new>
#include <utility>

namespace coauth::crypto
{

std::size_t coordinate_size(signature_algorithm algorithm) noexcept
{
    switch (algorithm)
    {
    case signature_algorithm::es256:
        return 32;
    case signature_algorithm::es384:
        return 48;
    case signature_algorithm::es512:
        return 66;
    default:
        return 0;
    }
}

secret ecdsa_der_to_raw(std::string_view der, signature_algorithm algorithm)
{
    auto const* bytes = reinterpret_cast<unsigned char const*>(der.data());
    auto const* const end = bytes + der.size();
    clear_errors();
    openssl_ptr<ECDSA_SIG> const parsed(
        d2i_ECDSA_SIG(nullptr, &bytes, static_cast<long>(der.size())));
    if (!parsed || bytes != end)
    {
        throw_if_out_of_memory();
        return {};
    }
    auto const size = coordinate_size(algorithm);
    auto const int_size = static_cast<int>(size);
    std::array<unsigned char, 132> r_and_s{};
    bool const fits =
        BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), r_and_s.data(), int_size) == int_size &&
        BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), r_and_s.data() + size, int_size) == int_size;
    ERR_clear_error();
    secret raw;
    if (fits)
        raw.append({reinterpret_cast<char const*>(r_and_s.data()), 2 * size});
    detail::wipe(r_and_s.data(), r_and_s.size());
    return raw;
}

secret ecdsa_raw_to_der(std::string_view raw)
{
    auto const half = static_cast<int>(raw.size() / 2);
    auto const* const bytes = reinterpret_cast<unsigned char const*>(raw.data());
    openssl_ptr<ECDSA_SIG> const signature(ECDSA_SIG_new());
    openssl_ptr<BIGNUM> r(BN_bin2bn(bytes, half, nullptr));
    openssl_ptr<BIGNUM> s(BN_bin2bn(bytes + half, half, nullptr));
    if (!signature || !r || !s || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1)
        throw std::bad_alloc();
    // The signature owns them now.
    (void)r.release();
    (void)s.release();
    unsigned char* der = nullptr;
    int const size = i2d_ECDSA_SIG(signature.get(), &der);
    if (size <= 0)
        throw std::bad_alloc();
    secret encoded(
        std::string_view(reinterpret_cast<char const*>(der), static_cast<std::size_t>(size)));
    OPENSSL_free(der);
    return encoded;
}

result<secret> normalize_signature(signature_algorithm algorithm, result<std::string> signature)
{
    if (!signature)
        return signature.error();
    secret bytes(std::move(*signature));
    if (bytes.empty())
        return detail::config_error("the signer function of the key returned an empty signature");
    auto const size = 2 * coordinate_size(algorithm);
    if (size == 0 || bytes.size() == size)
        return bytes;
    auto raw = ecdsa_der_to_raw(bytes.view(), algorithm);
    if (raw.empty())
        return detail::config_error(
            "the signer function of the key returned a signature of " +
            std::to_string(bytes.size()) + " bytes for " + std::string(to_string(algorithm)) +
            "; it must be r followed by s, " + std::to_string(size) +
            " bytes together, or DER of the same curve");
    return raw;
}

} // namespace coauth::crypto
