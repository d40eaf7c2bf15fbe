-- Owned by fundline_owner. Additive: the previous release keeps running on it.
-- A business has a country and, where its country has them, a region (ISO 3166-1 and 3166-2).

create table reference_countries (
    country_code       text primary key,               -- ISO 3166-1, two letters
    name               text not null,
    region_required    boolean not null                -- an address there is not complete without its region
);
create table reference_regions (
    country_code       text not null references reference_countries,
    region_code        text not null,                  -- ISO 3166-2, without the country before it
    name               text not null,
    constraint reference_regions_once primary key (country_code, region_code)
);
grant select on reference_countries, reference_regions to fundline_app;
