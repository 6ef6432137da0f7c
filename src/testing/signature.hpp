#ifndef COAUTH_SRC_TESTING_SIGNATURE_HPP
#define COAUTH_SRC_TESTING_SIGNATURE_HPP

#include "testing/openssl_ptr.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace coauth::testing
{

// The algorithms of RFC 7518 section 3.1 and RFC 8037 that the server can verify.
std::vector<std::string_view> const& hmac_algorithms();
std::vector<std::string_view> const& key_algorithms();

// Whether `tag` is the HMAC of `text`. False if the algorithm is not an HMAC.
bool verify_hmac(
    std::string_view algorithm, std::string_view secret, std::string_view text,
    std::string_view tag);

// Whether the signature is valid. False if the key does not fit the algorithm.
bool verify_signature(
    std::string_view algorithm, EVP_PKEY& key, std::string_view text, std::string_view signature);

// The ES256 signature of the text by a P-256 key, in the form of RFC 7518 section 3.4.
std::string sign_es256(EVP_PKEY& key, std::string_view text);

} // namespace coauth::testing

#endif
