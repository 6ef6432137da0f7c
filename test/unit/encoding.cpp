#include "values/encoding.hpp"

#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <openssl/evp.h>

using namespace test;
using namespace coauth::detail;

BOOST_AUTO_TEST_SUITE(encoding)

namespace
{

std::string form(std::string_view plain)
{
    coauth::secret out;
    append_form_encoded(out, plain);
    return text(out);
}

std::string base64(std::string_view bytes)
{
    coauth::secret out;
    append_base64(out, bytes);
    return text(out);
}

int digit(char c)
{
    auto const at = "0123456789ABCDEF"sv.find(c);
    BOOST_TEST_REQUIRE(at < 16U);
    return static_cast<int>(at);
}

std::string form_decoded(std::string_view encoded)
{
    std::string out;
    for (std::size_t i = 0; i < encoded.size(); ++i)
    {
        if (encoded[i] != '%')
        {
            out += encoded[i] == '+' ? ' ' : encoded[i];
            continue;
        }
        BOOST_TEST_REQUIRE(i + 2 < encoded.size());
        out += static_cast<char>(digit(encoded[i + 1]) * 16 + digit(encoded[i + 2]));
        i += 2;
    }
    return out;
}

std::string all_bytes()
{
    std::string out;
    for (int i = 0; i < 256; ++i)
        out += static_cast<char>(i);
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(form_encoding_of_names_and_values)
{
    struct row
    {
        char const* name;
        std::string plain;
        std::string encoded;
    };
    for (auto const& row : std::vector<row>{
             {"RFC 6749 appendix B", " %&+\xC2\xA3\xE2\x82\xAC", "+%25%26%2B%C2%A3%E2%82%AC"},
             {"empty", "", ""},
             {"what stays", "azAZ09-._*", "azAZ09-._*"},
             {"what other encoders leave", "~!'()/:@,;$", "%7E%21%27%28%29%2F%3A%40%2C%3B%24"},
             {"line break and NUL", "a\r\nb\0c"s, "a%0D%0Ab%00c"},
             {"form syntax", "a=b&c=d", "a%3Db%26c%3Dd"},
             {"quotes", "\"\\", "%22%5C"},
             {"highest bytes", "\x7F\x80\xFF", "%7F%80%FF"},
             {"already encoded", "%2B", "%252B"},
         })
        BOOST_TEST_CONTEXT(row.name)
    BOOST_TEST(form(row.plain) == row.encoded);
}

// Servers that do not decode then see the same credentials for most characters.
BOOST_AUTO_TEST_CASE(form_encoding_escapes_as_little_as_allowed)
{
    auto const stay = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*"sv;
    for (char const c : all_bytes())
        BOOST_TEST_CONTEXT("byte " << static_cast<int>(static_cast<unsigned char>(c)))
        {
            auto const encoded = form(std::string_view(&c, 1));
            bool const stayed = encoded == std::string_view(&c, 1);
            BOOST_TEST(stayed == contains(stay, std::string_view(&c, 1)));
            BOOST_TEST(encoded.size() == (stayed || c == ' ' ? 1U : 3U));
        }
}

BOOST_AUTO_TEST_CASE(form_encoding_can_be_undone)
{
    BOOST_TEST(form_decoded(form(all_bytes())) == all_bytes());
    std::string const large(100'000, '\xFF');
    BOOST_TEST(form(large).size() == 300'000U);
}

BOOST_AUTO_TEST_CASE(base64_of_rfc_4648_section_10)
{
    struct row
    {
        std::string bytes;
        char const* encoded;
    };
    for (auto const& row : std::vector<row>{
             {"", ""},
             {"f", "Zg=="},
             {"fo", "Zm8="},
             {"foo", "Zm9v"},
             {"foob", "Zm9vYg=="},
             {"fooba", "Zm9vYmE="},
             {"foobar", "Zm9vYmFy"},
             {"\0\0\0"s, "AAAA"},
             {"\xFF\xFE\xFB", "//77"},
         })
        BOOST_TEST(base64(row.bytes) == row.encoded);
}

BOOST_AUTO_TEST_CASE(base64_agrees_with_another_encoder)
{
    auto const bytes = all_bytes() + all_bytes();
    for (std::size_t size = 0; size < bytes.size(); ++size)
    {
        std::string expected((size + 2) / 3 * 4 + 1, '\0');
        EVP_EncodeBlock(
            reinterpret_cast<unsigned char*>(expected.data()),
            reinterpret_cast<unsigned char const*>(bytes.data()), static_cast<int>(size));
        expected.pop_back();
        BOOST_TEST(base64(std::string_view(bytes).substr(0, size)) == expected);
    }
}

BOOST_AUTO_TEST_CASE(base64_decoding_of_valid_and_invalid_texts)
{
    auto const bytes = all_bytes();
    BOOST_TEST(text(decode_form(form(bytes))) == bytes);
    BOOST_TEST(text(decode_form("a+b%2bc%2B%")) == "a b+c+%");
    BOOST_TEST(text(decode_form("%4%zz%-1%1")) == "%4%zz%-1%1");
}

BOOST_AUTO_TEST_CASE(encoders_append_to_the_existing_text)
{
    coauth::secret out("Basic ");
    append_base64(out, "a");
    append_form_encoded(out, "&");
    BOOST_TEST(text(out) == "Basic YQ==%26");
}

BOOST_AUTO_TEST_CASE(basic_credentials_are_form_encoded_unless_unencoded)
{
    struct row
    {
        char const* name;
        std::string id;
        std::string password;
        bool form_encode;
        std::string value;
    };
    for (auto const& row : std::vector<row>{
             {"RFC 6749 section 2.3.1", "s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw", true,
              "czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"},
             {"the same as it is", "s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw", false,
              "czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"},
             {"RFC 7617 section 2", "Aladdin", "open sesame", false,
              "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
             {"RFC 7617 section 2.1", "test", "123\xC2\xA3", false, "dGVzdDoxMjPCow=="},
             {"space, encoded", "a", "b c", true, base64("a:b+c")},
             {"colon in the id, encoded", "a:b", "c", true, base64("a%3Ab:c")},
             {"hostile, encoded", client_id, client_secret, true, basic_value},
             {"hostile, raw", client_id, client_secret, false, raw_basic_value},
         })
        BOOST_TEST_CONTEXT(row.name)
    BOOST_TEST(text(basic_credentials(row.id, row.password, row.form_encode)) == row.value);
}

BOOST_AUTO_TEST_CASE(control_characters_are_recognized)
{
    for (char const c : all_bytes())
        BOOST_TEST_CONTEXT("byte " << static_cast<int>(static_cast<unsigned char>(c)))
        {
            auto const byte = static_cast<unsigned char>(c);
            bool const expected = byte < 32 || byte == 127;
            BOOST_TEST(is_control(c) == expected);
            BOOST_TEST(has_control("ab"s + c) == expected);
        }
    BOOST_TEST(!has_control(""));
}

// Letters outside ASCII are compared by their bytes, in every locale.
BOOST_AUTO_TEST_CASE(only_ascii_letters_are_compared_without_case)
{
    BOOST_TEST(equal_ignoring_case("Authorization [`", "aUTHORIZATION [`"));
    for (auto const& [a, b] :
         {std::pair("dpop", "dpo"), {"[", "{"}, {"@", "`"}, {"\xdd", "\xfd"}, {"\xdd", "i"}})
        BOOST_TEST(!equal_ignoring_case(a, b), a << " and " << b);
}

BOOST_AUTO_TEST_SUITE_END()
