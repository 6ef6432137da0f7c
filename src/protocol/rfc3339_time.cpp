#include "protocol/rfc3339_time.hpp"

#include "protocol/trim.hpp"
#include "values/encoding.hpp"

#include <algorithm>

namespace coauth::protocol
{
namespace
{

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// Reads from the beginning of a text. After a failure it stays failed.
class reader
{
public:
    explicit reader(std::string_view text) : text_(text) {}

    // This many digits.
    unsigned number(std::size_t digits)
    {
        auto const part = text_.substr(0, digits);
        if (part.size() != digits || !std::all_of(part.begin(), part.end(), is_digit))
            failed_ = true;
        unsigned value = 0;
        for (char const c : part)
            value = value * 10 + (static_cast<unsigned>(c) - '0');
        text_.remove_prefix(part.size());
        return failed_ ? 0 : value;
    }

    bool skip(std::string_view one_of)
    {
        bool const found = !text_.empty() && one_of.find(text_.front()) != one_of.npos;
        text_.remove_prefix(found ? 1 : 0);
        return found;
    }

    void require(std::string_view one_of) { failed_ |= !skip(one_of); }

    // A fraction of a second, if there is one. True: it is not zero.
    bool fraction()
    {
        if (!skip("."))
            return false;
        auto const size = std::min(text_.find_first_not_of("0123456789"), text_.size());
        auto const digits = text_.substr(0, size);
        failed_ |= digits.empty();
        text_.remove_prefix(size);
        return digits.find_first_not_of('0') != std::string_view::npos;
    }

    // "Z", "UTC", "GMT", "+01:00", "-0130" or nothing.
    std::chrono::minutes offset()
    {
        text_ = trim(text_);
        if (text_.empty() || detail::equal_ignoring_case(text_, "z") || text_ == "UTC" ||
            text_ == "GMT")
        {
            text_ = {};
            return {};
        }
        bool const west = text_.front() == '-';
        require("+-");
        std::chrono::minutes value = std::chrono::hours(number(2));
        (void)skip(":");
        value += std::chrono::minutes(number(2));
        return west ? -value : value;
    }

    [[nodiscard]] bool at_end() const { return !failed_ && text_.empty(); }

private:
    std::string_view text_;
    bool failed_ = false;
};

} // namespace

std::optional<std::chrono::sys_seconds> parse_rfc3339_time(std::string_view text)
{
    using namespace std::chrono;
    reader in(text);
    year const y(static_cast<int>(in.number(4)));
    in.require("-");
    month const m(in.number(2));
    in.require("-");
    day const d(in.number(2));
    in.require("Tt ");
    hours const h(in.number(2));
    in.require(":");
    minutes const min(in.number(2));
    seconds s(in.skip(":") ? in.number(2) : 0);
    bool const in_range = h < hours(24) && min < minutes(60) && s <= seconds(60);
    s += seconds(in.fraction() ? 1 : 0);
    auto const offset = in.offset();
    year_month_day const date(y, m, d);
    if (!in.at_end() || !in_range || !date.ok() || y < year(1971) || y >= year(2200))
        return std::nullopt;
    return sys_days(date) + h + min + s - offset;
}

} // namespace coauth::protocol
