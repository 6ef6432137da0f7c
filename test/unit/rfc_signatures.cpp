// Signatures, keys and proofs of the RFCs' examples.

#include "crypto/digest.hpp"
#include "crypto/jwt.hpp"
#include "rfc_keys.hpp"
#include "support.hpp"
#include "test_keys.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <array>

using namespace test;

BOOST_AUTO_TEST_SUITE(rfc_signatures)

using coauth::crypto::hmac;
using coauth::crypto::jws_signing_input;
using coauth::crypto::private_key;
using coauth::crypto::proof_content;
using coauth::crypto::proof_jwt;

namespace
{

std::shared_ptr<private_key const> load(char const* pem)
{
    auto const loaded = private_key::load(
        coauth::signing_key::pem(coauth::secret(pem)), "the key", std::chrono::system_clock::now());
    BOOST_TEST_REQUIRE(outcome(loaded) == "success");
    return *loaded;
}

std::array<std::string, 3> split(std::string const& token)
{
    auto const first = token.find('.');
    auto const second = token.find('.', first + 1);
    return {
        token.substr(0, first), token.substr(first + 1, second - first - 1),
        second == std::string::npos ? "" : token.substr(second + 1)};
}

boost::json::value json_of(std::string const& encoded)
{
    return boost::json::parse(from_base64url(encoded));
}

std::string hex(std::string_view bytes)
{
    std::string text;
    for (auto const c : bytes)
    {
        unsigned const byte = static_cast<unsigned char>(c);
        for (unsigned const half : {byte >> 4U, byte & 15U})
            text += "0123456789abcdef"[half];
    }
    return text;
}

constexpr char const* a_2_modulus =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4"
    "QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdb"
    "BYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-D"
    "WNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";

constexpr char const* rfc_7638_modulus =
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPeb"
    "WKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368Q"
    "QMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2"
    "NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

std::string rsa_jwk(std::string const& modulus)
{
    return R"({"e":"AQAB","kty":"RSA","n":")" + modulus + "\"}";
}

} // namespace

// RFC 7515 appendices A.2, A.3 and A.4.
BOOST_AUTO_TEST_CASE(the_jws_examples_of_rfc_7515_are_verified)
{
    struct row
    {
        char const* key;
        std::string jwk;
        char const* algorithm;
        char const* token;
        bool always_the_same;
    };
    for (
        auto const& row :
        {row{rfc_7515_a_2_key, rsa_jwk(a_2_modulus), "RS256",
             "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGF"
             "tcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu"
             "3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdi"
             "uB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--x"
             "i12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5A"
             "XLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
             true},
         row{rfc_7515_a_3_key,
             R"({"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
             R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})",
             "ES256",
             "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGF"
             "tcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw"
             "5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
             false},
         row{rfc_7515_a_4_key,
             R"({"crv":"P-521","kty":"EC","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5E)"
             R"(OnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxV)"
             R"(g_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"})",
             "ES512",
             "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1"
             "bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqO"
             "gzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
             false}})
        BOOST_TEST_CONTEXT(row.algorithm)
        {
            auto const tested = load(row.key);
            BOOST_TEST(to_string(tested->algorithm()) == row.algorithm);
            BOOST_TEST(tested->public_jwk() == row.jwk);

            auto const [header, claims, encoded] = split(row.token);
            auto const input = header + '.' + claims;
            auto const expected = from_base64url(encoded);
            auto const by = test_key::from_pem(row.key);
            BOOST_TEST(by.verifies(row.algorithm, input, expected));

            auto const signature = tested->sign(input);
            BOOST_TEST_REQUIRE(outcome(signature) == "success");
            BOOST_TEST(by.verifies(row.algorithm, input, signature->view()));
            BOOST_TEST((signature->view() == expected) == row.always_the_same);
        }
}

// RFC 7638 section 3.1.
BOOST_AUTO_TEST_CASE(the_thumbprint_example_of_rfc_7638_matches)
{
    auto const tested = load(rfc_7638_key);
    BOOST_TEST(tested->public_jwk() == rsa_jwk(rfc_7638_modulus));
    BOOST_TEST(tested->thumbprint() == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

// RFC 9449 sections 4.1, 6.1 and 7.1.
BOOST_AUTO_TEST_CASE(the_dpop_examples_of_rfc_9449_match)
{
    auto const tested = load(rfc_9449_key);
    BOOST_TEST(tested->thumbprint() == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");

    struct row
    {
        proof_content content;
        char const* proof;
    };
    auto const at = [](int seconds)
    { return std::chrono::system_clock::time_point(std::chrono::seconds(seconds)); };
    for (auto const& row :
         {row{{.method = "POST",
               .url = "https://server.example.com/token",
               .id = "-BwC3ESc6acc2lTc",
               .issued_at = at(1'562'262'616),
               .nonce = {},
               .access_token = {}},
              "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHg"
              "tMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3"
              "VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2My"
              "bFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF"
              "0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7N"
              "VY-FNyJK70nfbV37xRZT3Lg"},
          row{{.method = "GET",
               .url = "https://resource.example.org/protectedresource",
               .id = "e1j3V_bKic8-LAEB",
               .issued_at = at(1'562'262'618),
               .nonce = {},
               .access_token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"},
              "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHg"
              "tMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3"
              "VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1M"
              "QUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWR"
              "yZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTn"
              "k1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVn"
              "mcw6Fy1dqd-jfxSYoMxhAJpLjA"}})
        BOOST_TEST_CONTEXT(row.content.url)
        {
            auto const [header, claims, signature] = split(row.proof);
            auto const input = split(text(jws_signing_input(proof_jwt(row.content, *tested))));
            // The key's members have another order in the RFC.
            BOOST_TEST((json_of(input[0]) == json_of(header)));
            BOOST_TEST(input[1] == claims);
            BOOST_TEST(test_key::from_pem(rfc_9449_key)
                           .verifies("ES256", header + '.' + claims, from_base64url(signature)));
        }
}

// RFC 4231 section 4.3.
BOOST_AUTO_TEST_CASE(the_hmac_example_of_rfc_4231_matches)
{
    using enum coauth::signature_algorithm;
    struct row
    {
        coauth::signature_algorithm by;
        char const* code;
    };
    for (auto const& row :
         {row{hs256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
          row{hs384,
              "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c7"
              "8b3239ecfab21649"},
          row{hs512,
              "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a"
              "6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"}})
        BOOST_TEST_CONTEXT(to_string(row.by))
        {
            auto const code = hmac(row.by, coauth::secret("Jefe"), "what do ya want for nothing?");
            BOOST_TEST_REQUIRE(outcome(code) == "success");
            BOOST_TEST(hex(code->view()) == row.code);
        }
}

BOOST_AUTO_TEST_SUITE_END()
