// The conversion of a result to std::expected. Compiled as C++23.

#include <coauth/result.hpp>

#include <iostream>
#include <memory>
#include <string>

#if defined(__cpp_lib_expected)

namespace
{

bool all_ok = true;

void check(bool ok, char const* what)
{
    if (!ok)
        std::cerr << "failed: " << what << '\n';
    all_ok = all_ok && ok;
}

} // namespace

int main()
{
    using coauth::errc;
    using coauth::error;
    using coauth::result;
    using coauth::to_expected;

    std::expected<int, error> const value = to_expected(result<int>(7));
    check(value.has_value() && *value == 7, "a value");
    auto const failure = to_expected(result<int>(error(errc::timeout)));
    check(!failure && failure.error() == errc::timeout, "an error");
    auto const nothing = to_expected(result<void>());
    check(nothing.has_value(), "no value");
    auto const no_value = to_expected(result<void>(error(errc::cancelled)));
    check(!no_value && no_value.error() == errc::cancelled, "an error in place of no value");
    auto const moved =
        to_expected(result<std::unique_ptr<std::string>>(std::make_unique<std::string>("x")));
    check(moved && **moved == "x", "a value that can only be moved");
    return all_ok ? 0 : 1;
}

#else

int main()
{
    std::cout << "This standard library has no std::expected.\n";
}

#endif
