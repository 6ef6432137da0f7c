#include <coauth/secret.hpp>

#include "memory_watch.hpp"
#include "support.hpp"
#include "values/wipe.hpp"

#include <boost/test/unit_test.hpp>

#include <concepts>
#include <cstring>
#include <new>
#include <sstream>
#include <type_traits>

using namespace test;

namespace
{

// Too long for a string's inline buffer.
constexpr char const* password = "correct horse battery staple 0123456789";

template <class T>
concept streamable = requires(std::ostream& out, T const& value) { out << value; };

template <class T>
concept has_str = requires(T const& value) { value.str(); };

struct use_case
{
    char const* name;
    void (*use)();
};

use_case const uses[] = {
    {"destroyed", [] { coauth::secret const s(password); }},
    {"from a string", [] { coauth::secret const s{std::string(password)}; }},
    {"copied", [] { coauth::secret const a(password), b(a); }},
    {"moved", [] { coauth::secret a(password), b(std::move(a)); }},
    {"assigned to",
     []
     {
         coauth::secret s(password);
         s = coauth::secret("other");
     }},
    {"copy-assigned to",
     []
     {
         coauth::secret s(password);
         coauth::secret const other("other");
         s = other;
     }},
    {"cleared and reused",
     []
     {
         coauth::secret s(password);
         s.clear();
         s.append("x");
     }},
    {"grown",
     []
     {
         coauth::secret s(password);
         for (int i = 0; i < 1000; ++i)
             s.append('.').append(password);
     }},
    {"reserved",
     []
     {
         coauth::secret s(password);
         s.reserve(10'000);
     }},
    {"vector of secrets", [] { std::vector<coauth::secret> const v(5, coauth::secret(password)); }},
    {"vector with the allocator",
     []
     {
         std::vector<char, coauth::detail::wiping_allocator<char>> const v(
             password, password + std::strlen(password));
     }},
    {"string with the allocator",
     []
     {
         std::basic_string<
             char, std::char_traits<char>, coauth::detail::wiping_allocator<char>> const
             s(password);
     }},
};

} // namespace

BOOST_AUTO_TEST_SUITE(secret)
BOOST_AUTO_TEST_SUITE(storage)

BOOST_AUTO_TEST_CASE(the_watch_finds_memory_that_is_not_wiped)
{
    memory_watch const watch(password);
    {
        std::string const copy(password);
        // Clang omits the whole allocation unless the characters may be read.
        asm volatile("" : : "r"(copy.data()) : "memory");
    }
    BOOST_TEST(watch.found() == 1U);
}

BOOST_AUTO_TEST_CASE(memory_is_wiped_on_release)
{
    for (auto const& row : uses)
        BOOST_TEST_CONTEXT(row.name)
        {
            memory_watch const watch(password);
            row.use();
            BOOST_TEST(watch.found() == 0U);
            BOOST_TEST(watch.released() != 0U);
        }
}

BOOST_AUTO_TEST_CASE(clear_wipes_the_secret_in_place)
{
    coauth::secret s(password);
    // The storage remains, so that the bytes beyond the end can be read.
    std::string_view const storage = s.view();
    s.clear();
    BOOST_TEST(std::string(storage) == std::string(storage.size(), '\0'));
}

BOOST_AUTO_TEST_CASE(wipe_overwrites_the_memory)
{
    char bytes[] = "password";
    coauth::detail::wipe(bytes, 4);
    BOOST_TEST(std::string(bytes, 8) == "\0\0\0\0word"s);
    coauth::detail::wipe(nullptr, 0);
}

BOOST_AUTO_TEST_CASE(wipe_overwrites_the_whole_capacity_of_a_string)
{
    for (char const* const value : {"tiny", password})
        BOOST_TEST_CONTEXT(value)
        {
            std::string s(value);
            // The rest of a longer value lies behind the end.
            s.resize(2);
            std::string_view const storage(s.data(), s.capacity());
            coauth::detail::wipe(s);
            BOOST_TEST(s.empty());
            BOOST_TEST(std::string(storage) == std::string(storage.size(), '\0'));
        }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(value)

BOOST_AUTO_TEST_CASE(a_secret_cannot_be_printed)
{
    static_assert(!streamable<coauth::secret>);
    static_assert(streamable<std::string>);
    static_assert(!std::convertible_to<coauth::secret, std::string>);
    static_assert(!std::convertible_to<coauth::secret, std::string_view>);
    static_assert(!has_str<coauth::secret>);
    static_assert(!std::convertible_to<std::string_view, coauth::secret>);
    BOOST_TEST(true);
}

BOOST_AUTO_TEST_CASE(a_secret_is_constructed_from_any_text)
{
    BOOST_TEST(coauth::secret().empty());
    BOOST_TEST(coauth::secret().view() == "");
    BOOST_TEST(coauth::secret("abc").view() == "abc");
    BOOST_TEST(coauth::secret("abc").size() == 3U);
    char const* const not_set = nullptr;
    BOOST_TEST(coauth::secret(not_set).empty());
    BOOST_TEST(coauth::secret("a\0b"s).view() == "a\0b"sv);
    BOOST_TEST(coauth::secret("a\0b"sv).size() == 3U);
    BOOST_TEST(coauth::secret(std::string(100'000, 'x')).size() == 100'000U);
    static_assert(std::is_nothrow_move_constructible_v<coauth::secret>);
    static_assert(std::is_nothrow_move_assignable_v<coauth::secret>);
}

BOOST_AUTO_TEST_CASE(characters_and_texts_can_be_appended_to_a_secret)
{
    coauth::secret s;
    s.append("ab").append('\0').append("").append("c");
    BOOST_TEST(s.view() == "ab\0c"sv);
    s.clear();
    BOOST_TEST(s.empty());
}

BOOST_AUTO_TEST_CASE(copies_of_a_secret_are_independent)
{
    coauth::secret a("abc");
    coauth::secret const b(a);
    a.append('d');
    BOOST_TEST(b.view() == "abc");
    a = b;
    BOOST_TEST(a.view() == "abc");
    coauth::secret const c(std::move(a));
    BOOST_TEST(c.view() == "abc");
}

BOOST_AUTO_TEST_CASE(secrets_are_equal_if_their_texts_are)
{
    struct row
    {
        std::string_view a;
        std::string_view b;
        bool equal;
    };
    for (auto const& row : std::vector<row>{
             {"", "", true},
             {"abc", "abc", true},
             {"abc", "abd", false},
             {"bbc", "abc", false},
             {"abc", "ab", false},
             {"ab", "abc", false},
             {"", "a", false},
             {"a\0b"sv, "a\0c"sv, false},
         })
        BOOST_TEST_CONTEXT(row.a << " and " << row.b)
        {
            BOOST_TEST((coauth::secret(row.a) == coauth::secret(row.b)) == row.equal);
            BOOST_TEST((coauth::secret(row.a) != coauth::secret(row.b)) == !row.equal);
        }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE_END()
